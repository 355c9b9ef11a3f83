-- One pass over each partial index, as depths.sql.
SELECT account_id, queue, 'queued' AS status, count(*) AS count, min(created_at) AS oldest
FROM tasks WHERE status = 'queued' AND hold IS NULL
GROUP BY account_id, queue
UNION ALL
SELECT account_id, queue, 'queued', count(*), min(created_at)
FROM tasks WHERE status = 'queued' AND hold IS NOT NULL
GROUP BY account_id, queue
UNION ALL
SELECT account_id, queue, 'running', count(*), min(created_at)
FROM tasks WHERE status = 'running'
GROUP BY account_id, queue
