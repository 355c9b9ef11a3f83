SELECT count(*) FROM finished_tasks
WHERE
    reason = 'poison' AND status = 'failed' AND finished_at >= $3::timestamptz
    AND ($1::text IS NULL OR account_id = $1::text) AND ($2::text[] IS NULL OR queue = ANY ($2::text[]))
