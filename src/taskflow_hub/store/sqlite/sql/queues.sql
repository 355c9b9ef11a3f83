-- Every queue that has a policy or an unfinished task, by name; a row that says nothing is no policy. The names of the many ready
-- and held tasks are found by walking from name to name along their indexes.
WITH RECURSIVE ready (queue) AS (
    SELECT (SELECT min(queue) FROM tasks INDEXED BY tasks_ready WHERE status = 'queued' AND hold IS NULL)
    UNION ALL
    SELECT (
        SELECT min(queue) FROM tasks INDEXED BY tasks_ready
        WHERE status = 'queued' AND hold IS NULL AND tasks.queue > ready.queue
    )
    FROM ready WHERE ready.queue IS NOT NULL
),
held (queue) AS (
    SELECT (SELECT min(queue) FROM tasks INDEXED BY tasks_held WHERE status = 'queued' AND hold IS NOT NULL)
    UNION ALL
    SELECT (
        SELECT min(queue) FROM tasks INDEXED BY tasks_held
        WHERE status = 'queued' AND hold IS NOT NULL AND tasks.queue > held.queue
    )
    FROM held WHERE held.queue IS NOT NULL
),
lane (name) AS (
    SELECT queue FROM ready WHERE queue IS NOT NULL
    UNION
    SELECT queue FROM held WHERE queue IS NOT NULL
    UNION
    SELECT queue FROM tasks INDEXED BY tasks_running WHERE status = 'running'
    UNION
    SELECT queue FROM tasks INDEXED BY tasks_scheduled WHERE status = 'scheduled'
    UNION
    SELECT queue FROM tasks INDEXED BY tasks_blocked WHERE status = 'blocked'
    UNION
    SELECT name FROM queues WHERE paused OR max_size IS NOT NULL
    UNION
    SELECT substr(key, 7) FROM limits WHERE account_id = '' AND key >= 'queue:' AND key < 'queue;'
)
SELECT json_group_array(json_array(name, paused, max_size, running, per_second)) FROM (
    SELECT lane.name, coalesce(queues.paused, 0) AS paused, queues.max_size, limits.running, limits.per_second
    FROM
        lane
        LEFT JOIN queues ON queues.name = lane.name
        LEFT JOIN limits ON limits.account_id = '' AND limits.key = 'queue:' || lane.name
    ORDER BY lane.name
)
