-- The status of those this account has. $3: none of them can have finished before.
SELECT id::text AS id, status FROM tasks WHERE id = ANY ($1::uuid[]) AND account_id = $2::text
UNION ALL
SELECT id::text, status
FROM (
    SELECT id, status, account_id FROM finished_tasks WHERE id = ANY ($1::uuid[]) AND finished_at >= $3::timestamptz OFFSET 0
) AS task
WHERE account_id = $2::text
