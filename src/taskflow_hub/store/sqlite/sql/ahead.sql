-- How many ready tasks come before a queued one in its queue, counted to a limit. Type by type along the ready index, whose order is
-- that of the line, so nothing behind the task is looked at. (In two parts, for with an OR all of a type would be.)
WITH RECURSIVE
wanted (id, most) AS (VALUES (?, ?)),
me (queue, priority, seq) AS (
    SELECT tasks.queue, tasks.priority, tasks.seq
    FROM wanted CROSS JOIN tasks ON tasks.id = wanted.id
    WHERE tasks.status = 'queued'
),
lane (queue, type) AS (
    SELECT queue, (
        SELECT min(type) FROM tasks INDEXED BY tasks_ready
        WHERE status = 'queued' AND hold IS NULL AND tasks.queue = me.queue
    )
    FROM me
    UNION ALL
    SELECT queue, (
        SELECT min(type) FROM tasks INDEXED BY tasks_ready
        WHERE status = 'queued' AND hold IS NULL AND tasks.queue = lane.queue AND tasks.type > lane.type
    )
    FROM lane WHERE lane.type IS NOT NULL
)
SELECT count(*) FROM (
    SELECT 1
    FROM me CROSS JOIN lane CROSS JOIN tasks AS other INDEXED BY tasks_ready
    ON other.queue = lane.queue AND other.type = lane.type AND other.priority > me.priority
    WHERE other.status = 'queued' AND other.hold IS NULL
    UNION ALL
    SELECT 1
    FROM me CROSS JOIN lane CROSS JOIN tasks AS other INDEXED BY tasks_ready
    ON other.queue = lane.queue AND other.type = lane.type AND other.priority = me.priority AND other.seq < me.seq
    WHERE other.status = 'queued' AND other.hold IS NULL
    LIMIT (SELECT most FROM wanted)
)
