-- Only what holds nothing: the window has ended and the task is not alive.
DELETE FROM unique_keys WHERE (account_id, type, key) IN (
    SELECT account_id, type, key FROM unique_keys INDEXED BY unique_keys_by_age
    WHERE until <= ? AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.id = unique_keys.task_id)
    LIMIT ?
)
