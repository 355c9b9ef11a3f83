-- Branch by branch along the partial indexes: what is ready, mostly the most by far, is counted without a look at a task.
WITH mine (account_id) AS (VALUES (?))
SELECT json_group_array(json_array(queue, type, status, hold, count, oldest)) FROM (
    SELECT queue, type, 'queued' AS status, NULL AS hold, count(*) AS count, min(created_at) AS oldest
    FROM tasks INDEXED BY tasks_ready
    WHERE status = 'queued' AND hold IS NULL AND account_id = coalesce((SELECT account_id FROM mine), account_id)
    GROUP BY queue, type
    UNION ALL
    SELECT queue, type, 'queued', hold, count(*), min(created_at) FROM tasks INDEXED BY tasks_held
    WHERE status = 'queued' AND hold IS NOT NULL AND account_id = coalesce((SELECT account_id FROM mine), account_id)
    GROUP BY queue, type, hold
    UNION ALL
    SELECT queue, type, 'running', NULL, count(*), min(created_at) FROM tasks INDEXED BY tasks_running
    WHERE status = 'running' AND account_id = coalesce((SELECT account_id FROM mine), account_id)
    GROUP BY queue, type
    UNION ALL
    SELECT queue, type, 'scheduled', NULL, count(*), min(created_at) FROM tasks INDEXED BY tasks_scheduled
    WHERE status = 'scheduled' AND account_id = coalesce((SELECT account_id FROM mine), account_id)
    GROUP BY queue, type
    UNION ALL
    SELECT queue, type, 'blocked', NULL, count(*), min(created_at) FROM tasks INDEXED BY tasks_blocked
    WHERE status = 'blocked' AND account_id = coalesce((SELECT account_id FROM mine), account_id)
    GROUP BY queue, type
)
