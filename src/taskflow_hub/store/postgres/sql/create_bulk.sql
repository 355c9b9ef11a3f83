INSERT INTO bulks (id, account_id, action, filter, status, total, created_at)
VALUES ($2::uuid, $3, $4, $5, 'running', $6::bigint, coalesce($1::timestamptz, now()))
ON CONFLICT DO NOTHING
