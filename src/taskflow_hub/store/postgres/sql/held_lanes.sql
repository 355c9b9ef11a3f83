-- Is anything to be mended? Tasks held for want of a worker that is there by now, or still in the default queue though their
-- type has a home. Both happen only when a worker registers in the very moment, so nearly always the answer is no. A walk from
-- (queue, type) to (queue, type), however many tasks are held. And does a limit hold back anything?
WITH RECURSIVE lane (queue, type) AS (
    (
        SELECT queue, type FROM tasks
        WHERE status = 'queued' AND hold IS NOT NULL
        ORDER BY queue, type LIMIT 1
    )
    UNION ALL
    SELECT next.queue, next.type
    FROM lane CROSS JOIN LATERAL (
        SELECT later.queue, later.type FROM tasks AS later
        WHERE later.status = 'queued' AND later.hold IS NOT NULL AND (later.queue, later.type) > (lane.queue, lane.type)
        ORDER BY later.queue, later.type LIMIT 1
    ) AS next
)
SELECT
    EXISTS (
        SELECT 1
        FROM lane JOIN workers ON workers.state = 'alive' AND lane.type = ANY (workers.types)
            AND (workers.queues = '{}' OR lane.queue = ANY (workers.queues))
        WHERE EXISTS (
            SELECT 1 FROM tasks
            WHERE tasks.queue = lane.queue AND tasks.type = lane.type AND tasks.status = 'queued' AND tasks.hold = 'no_worker'
            OFFSET 0
        )
    )
    OR (
        EXISTS (SELECT FROM tasks WHERE tasks.unrouted)
        AND EXISTS (
            SELECT FROM task_types WHERE EXISTS (SELECT FROM tasks WHERE tasks.unrouted AND tasks.type = task_types.type OFFSET 0)
        )
    ) AS mend,
    EXISTS (SELECT 1 FROM tasks WHERE status = 'queued' AND limits IS NOT NULL AND hold <> 'no_worker') AS limited
