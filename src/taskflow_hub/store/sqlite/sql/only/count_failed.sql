-- Of these finished tasks each is a failure of its hour.
INSERT INTO failures (account_id, fingerprint, queue, hour, type, failed, first_at, last_at, last_task_id)
SELECT
    account_id, fingerprint, queue, finished_at - finished_at % 3600000000, type, 1, finished_at, finished_at, id
FROM finished_tasks
WHERE id IN (SELECT value FROM json_each(?))
ON CONFLICT DO UPDATE
SET
    failed = failed + 1,
    first_at = min(coalesce(first_at, excluded.first_at), excluded.first_at),
    last_task_id = CASE WHEN last_at > excluded.last_at THEN last_task_id ELSE excluded.last_task_id END,
    last_at = max(coalesce(last_at, excluded.last_at), excluded.last_at)
