-- What these calls answered before. Their parents are locked by now (only/submit_lock.sql).
SELECT task_id::text AS task_id, number, answer
FROM unnest($1::uuid[], $2::integer[]) AS call (task_id, number)
JOIN calls USING (task_id, number)
