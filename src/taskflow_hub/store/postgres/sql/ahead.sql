-- How many ready tasks come before a queued one in its queue, counted to a limit. Type by type along the ready index, so nothing
-- behind the task is looked at. (Ordered by all its columns, for only this index can do so.)
WITH RECURSIVE me AS MATERIALIZED (
    SELECT queue, priority, seq FROM tasks WHERE id = $1::uuid AND status = 'queued'
),
lane (queue, type) AS (
    SELECT first.queue, first.type
    FROM me CROSS JOIN LATERAL (
        SELECT tasks.queue, tasks.type FROM tasks
        WHERE tasks.status = 'queued' AND tasks.hold IS NULL AND tasks.queue = me.queue
        ORDER BY tasks.queue, tasks.type, tasks.priority, tasks.seq LIMIT 1
    ) AS first
    UNION ALL
    SELECT next.queue, next.type
    FROM lane CROSS JOIN LATERAL (
        SELECT later.queue, later.type FROM tasks AS later
        WHERE later.status = 'queued' AND later.hold IS NULL AND later.queue = lane.queue AND later.type > lane.type
        ORDER BY later.queue, later.type, later.priority, later.seq LIMIT 1
    ) AS next
)
SELECT count(*) FROM (
    SELECT 1
    FROM me CROSS JOIN lane CROSS JOIN LATERAL (
        SELECT 1 FROM tasks AS other
        WHERE
            other.status = 'queued' AND other.hold IS NULL
            AND other.queue = lane.queue AND other.type = lane.type AND other.priority > me.priority
        ORDER BY other.queue, other.type, other.priority, other.seq LIMIT $2::integer
    ) AS higher
    UNION ALL
    SELECT 1
    FROM me CROSS JOIN lane CROSS JOIN LATERAL (
        SELECT 1 FROM tasks AS other
        WHERE
            other.status = 'queued' AND other.hold IS NULL AND other.queue = lane.queue AND other.type = lane.type
            AND other.priority = me.priority AND other.seq < me.seq
        ORDER BY other.queue, other.type, other.priority, other.seq LIMIT $2::integer
    ) AS earlier
    LIMIT $2::integer
) AS before
