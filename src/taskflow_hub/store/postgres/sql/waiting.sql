-- How many tasks wait in each queue (queued or scheduled), each part by an index of its own. Asked only for queues with a bound, in a
-- second statement after their rows are locked: a count taken while waiting for the lock would be old (trap c of the design).
SELECT
    wanted.queue,
    (
        SELECT count(*) FROM tasks
        WHERE tasks.queue = wanted.queue AND tasks.status = 'queued' AND tasks.hold IS NULL
    ) + (
        SELECT count(*) FROM tasks
        WHERE tasks.queue = wanted.queue AND tasks.status = 'queued' AND tasks.hold IS NOT NULL
    ) + (
        SELECT count(*) FROM tasks
        WHERE tasks.queue = wanted.queue AND tasks.status = 'scheduled'
    ) AS waiting
FROM unnest($1::text[]) AS wanted (queue)
