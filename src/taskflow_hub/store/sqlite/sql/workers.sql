-- Oldest first.
SELECT json_group_array(json_array(
    id, name, host, pid, version, state, slots, window, running, json(queues), json(types), registered_at, last_beat_at,
    beats, json(stuck), loop_lag_s
))
FROM (
    SELECT *, (
        SELECT count(*) FROM tasks INDEXED BY tasks_running WHERE worker = workers.id AND status = 'running'
    ) AS running
    FROM workers
    WHERE (state <> 'dead' OR ?) AND coalesce(id = ?, true)
    ORDER BY registered_at, id
)
