-- For the page of failures: what has failed in this transaction, by group and queue. Before finish_remove.sql, and only where a verb
-- may have made tasks fail. SQLite gives the id that belongs to the one max().
WITH clock (hour) AS (VALUES (?))
INSERT INTO failures (account_id, fingerprint, queue, hour, type, failed, first_at, last_at, last_task_id)
SELECT account_id, fingerprint, queue, clock.hour, type, count(*), finished_at, finished_at, max(id)
FROM tasks INDEXED BY tasks_ended, clock
WHERE status IN ('success', 'failed', 'cancelled', 'skipped') AND status = 'failed'
GROUP BY account_id, fingerprint, queue
ON CONFLICT DO UPDATE
SET
    failed = failed + excluded.failed, last_at = excluded.last_at, last_task_id = excluded.last_task_id,
    first_at = coalesce(first_at, excluded.first_at)
