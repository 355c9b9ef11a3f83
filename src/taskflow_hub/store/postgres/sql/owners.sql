-- $2: none of the tasks can have finished before.
SELECT id::text AS id, account_id FROM tasks WHERE id = ANY ($1::uuid[])
UNION ALL
SELECT id::text, account_id FROM finished_tasks WHERE id = ANY ($1::uuid[]) AND finished_at >= $2::timestamptz
