-- The first ready task of every (queue, type, priority, account): a walk from line to line along the ready index, not over the tasks.
WITH RECURSIVE line (queue, type, priority, account_id, seq) AS (
    (
        SELECT queue, type, priority, account_id, seq FROM tasks
        WHERE status = 'queued' AND hold IS NULL
        ORDER BY queue, type, priority, account_id, seq LIMIT 1
    )
    UNION ALL
    SELECT next.queue, next.type, next.priority, next.account_id, next.seq
    FROM line CROSS JOIN LATERAL (
        SELECT later.queue, later.type, later.priority, later.account_id, later.seq FROM tasks AS later
        WHERE
            later.status = 'queued' AND later.hold IS NULL
            AND (later.queue, later.type, later.priority, later.account_id)
                > (line.queue, line.type, line.priority, line.account_id)
        ORDER BY later.queue, later.type, later.priority, later.account_id, later.seq LIMIT 1
    ) AS next
)
SELECT queue, type, priority, account_id, seq FROM line
