INSERT INTO calls (task_id, number, answer, called_at)
SELECT task_id, number, answer, coalesce($1::timestamptz, now())
FROM unnest($2::uuid[], $3::integer[], $4::text[]) AS call (task_id, number, answer)
