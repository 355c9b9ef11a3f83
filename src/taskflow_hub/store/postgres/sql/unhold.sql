-- Tasks that were held for want of a worker, and that somebody alive serves by now, come back; first in line first.
UPDATE tasks AS task
SET hold = NULL, rev = task.rev + 1
FROM (
    SELECT tasks.id FROM tasks
    WHERE
        tasks.status = 'queued' AND tasks.hold = 'no_worker'
        AND EXISTS (
            SELECT 1 FROM workers
            WHERE workers.state = 'alive' AND tasks.type = ANY (workers.types)
                AND (workers.queues = '{}' OR tasks.queue = ANY (workers.queues))
        )
    ORDER BY tasks.priority DESC, tasks.seq
    LIMIT $1::integer
    FOR UPDATE OF tasks SKIP LOCKED
) AS served
WHERE task.id = ANY (ARRAY[served.id])
RETURNING task.queue, task.type, task.priority, task.account_id, task.seq
