-- Keys that seem to hold nothing: the window has ended and the task is not alive. Whoever is just taking one is not waited for.
SELECT account_id, type, key FROM unique_keys AS held
WHERE held.until <= coalesce($1::timestamptz, now()) AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.id = held.task_id OFFSET 0)
ORDER BY held.until
LIMIT $2::bigint
FOR UPDATE SKIP LOCKED
