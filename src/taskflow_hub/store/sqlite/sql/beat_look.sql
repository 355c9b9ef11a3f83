-- The worker's state and what the store says it runs. No row: unknown.
SELECT json_array(state, json((
    SELECT json_group_array(json_array(
        id, attempt, taken, missing, leased_at, started_at IS NOT NULL, cancel_requested_at IS NOT NULL, transits
    ))
    FROM tasks INDEXED BY tasks_running WHERE worker = workers.id AND status = 'running'
)))
FROM workers WHERE id = ?
