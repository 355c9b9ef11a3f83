-- How many tasks wait in a queue (queued or scheduled), each part by an index of its own. Asked only for queues with a bound.
WITH wanted (queue) AS (VALUES (?))
SELECT
    (
        SELECT count(*) FROM wanted CROSS JOIN tasks INDEXED BY tasks_ready
        ON tasks.queue = wanted.queue AND status = 'queued' AND hold IS NULL
    ) + (
        SELECT count(*) FROM wanted CROSS JOIN tasks INDEXED BY tasks_held
        ON tasks.queue = wanted.queue AND status = 'queued' AND hold IS NOT NULL
    ) + (
        SELECT count(*) FROM wanted CROSS JOIN tasks INDEXED BY tasks_scheduled
        ON tasks.queue = wanted.queue AND status = 'scheduled'
    )
