-- Which (queue, type) have tasks held for want of a worker: a walk from pair to pair along the index, and nearly always there are
-- none.
WITH RECURSIVE pair (queue, type) AS (
    SELECT * FROM (
        SELECT queue, type FROM tasks INDEXED BY tasks_unserved
        WHERE status = 'queued' AND hold = 'no_worker'
        ORDER BY queue, type LIMIT 1
    )
    UNION ALL
    SELECT next.queue, next.type
    FROM pair CROSS JOIN tasks AS next ON next.rowid = coalesce(
        (
            SELECT later.rowid FROM tasks AS later INDEXED BY tasks_unserved
            WHERE later.status = 'queued' AND later.hold = 'no_worker' AND later.queue = pair.queue AND later.type > pair.type
            ORDER BY later.type LIMIT 1
        ),
        (
            SELECT later.rowid FROM tasks AS later INDEXED BY tasks_unserved
            WHERE later.status = 'queued' AND later.hold = 'no_worker' AND later.queue > pair.queue
            ORDER BY later.queue, later.type LIMIT 1
        )
    )
)
SELECT json_group_array(json_array(queue, type)) FROM pair
