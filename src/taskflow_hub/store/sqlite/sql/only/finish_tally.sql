-- One upsert per batch, for the charts; what was skipped is not counted. All four names stand here as in the partial index, or SQLite
-- would not use it.
WITH clock (minute) AS (VALUES (?))
INSERT INTO rollups (account_id, minute, queue, type, status, count)
SELECT account_id, clock.minute, queue, type, status, count(*)
FROM tasks INDEXED BY tasks_ended, clock
WHERE status IN ('success', 'failed', 'cancelled', 'skipped') AND status <> 'skipped'
GROUP BY account_id, queue, type, status
ON CONFLICT DO UPDATE SET count = count + excluded.count
