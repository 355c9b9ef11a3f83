-- The first ready task of every (queue, type, priority): a walk from line to line along the ready index, not over the tasks.
WITH RECURSIVE line (queue, type, priority, seq) AS (
    (
        SELECT queue, type, priority, seq FROM tasks
        WHERE status = 'queued' AND hold IS NULL
        ORDER BY queue, type, priority, seq LIMIT 1
    )
    UNION ALL
    SELECT next.queue, next.type, next.priority, next.seq
    FROM line CROSS JOIN LATERAL (
        SELECT later.queue, later.type, later.priority, later.seq FROM tasks AS later
        WHERE
            later.status = 'queued' AND later.hold IS NULL
            AND (later.queue, later.type, later.priority) > (line.queue, line.type, line.priority)
        ORDER BY later.queue, later.type, later.priority, later.seq LIMIT 1
    ) AS next
)
SELECT queue, type, priority, seq FROM line
