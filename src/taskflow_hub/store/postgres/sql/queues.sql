-- Every queue that has a policy or an unfinished task, by name; a row that says nothing is no policy. The names of the many tasks that
-- wait are found by walking from name to name along their indexes; those that run are few.
WITH RECURSIVE ready (queue) AS (
    SELECT (SELECT min(queue) FROM tasks WHERE status = 'queued' AND hold IS NULL)
    UNION ALL
    SELECT (SELECT min(tasks.queue) FROM tasks WHERE status = 'queued' AND hold IS NULL AND tasks.queue > ready.queue)
    FROM ready WHERE ready.queue IS NOT NULL
),
held (queue) AS (
    SELECT (SELECT min(queue) FROM tasks WHERE status = 'queued' AND hold IS NOT NULL)
    UNION ALL
    SELECT (SELECT min(tasks.queue) FROM tasks WHERE status = 'queued' AND hold IS NOT NULL AND tasks.queue > held.queue)
    FROM held WHERE held.queue IS NOT NULL
),
scheduled (queue) AS (
    SELECT (SELECT min(queue) FROM tasks WHERE status = 'scheduled')
    UNION ALL
    SELECT (SELECT min(tasks.queue) FROM tasks WHERE status = 'scheduled' AND tasks.queue > scheduled.queue)
    FROM scheduled WHERE scheduled.queue IS NOT NULL
),
blocked (queue) AS (
    SELECT (SELECT min(queue) FROM tasks WHERE status = 'blocked')
    UNION ALL
    SELECT (SELECT min(tasks.queue) FROM tasks WHERE status = 'blocked' AND tasks.queue > blocked.queue)
    FROM blocked WHERE blocked.queue IS NOT NULL
),
lane (name) AS (
    SELECT queue FROM ready
    UNION
    SELECT queue FROM held
    UNION
    SELECT queue FROM scheduled
    UNION
    SELECT queue FROM blocked
    UNION
    SELECT queue FROM tasks WHERE status = 'running'
    UNION
    SELECT name FROM queues WHERE paused OR max_size IS NOT NULL
    UNION
    SELECT substr(key, 7) FROM limits WHERE account_id = '' AND key LIKE 'queue:%'
)
SELECT lane.name, coalesce(queues.paused, false) AS paused, queues.max_size, limits.running, limits.per_second
FROM
    lane
    LEFT JOIN queues ON queues.name = ANY (ARRAY[lane.name])
    LEFT JOIN LATERAL (
        SELECT * FROM limits WHERE limits.account_id = '' AND limits.key = 'queue:' || lane.name OFFSET 0
    ) AS limits ON true
WHERE lane.name IS NOT NULL
ORDER BY lane.name COLLATE "C"
