-- What has to be known of tasks that shall run again, locked: of two redrives of one task the second finds it gone. $3: none of them
-- can have finished before.
SELECT id::text AS id, status, type, unique_key
FROM finished_tasks
WHERE id = ANY ($1::uuid[]) AND account_id = $2::text AND finished_at >= $3::timestamptz
ORDER BY finished_tasks.id
FOR UPDATE
