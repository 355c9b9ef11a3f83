-- Branch by branch along the partial indexes, as depths.sql.
SELECT json_group_array(json_array(account_id, queue, status, count, oldest)) FROM (
    SELECT account_id, queue, 'queued' AS status, count(*) AS count, min(created_at) AS oldest FROM tasks INDEXED BY tasks_ready
    WHERE status = 'queued' AND hold IS NULL GROUP BY account_id, queue
    UNION ALL
    SELECT account_id, queue, 'queued', count(*), min(created_at) FROM tasks INDEXED BY tasks_held
    WHERE status = 'queued' AND hold IS NOT NULL GROUP BY account_id, queue
    UNION ALL
    SELECT account_id, queue, 'running', count(*), min(created_at) FROM tasks INDEXED BY tasks_running
    WHERE status = 'running' GROUP BY account_id, queue
)
