-- Tasks that were submitted without a queue before anybody had registered their type go to its home.
UPDATE tasks
SET queue = home.queue, unrouted = false, rev = tasks.rev + (tasks.queue <> home.queue)::integer
FROM
    unnest($1::text[], $2::text[]) AS home (type, queue)
    CROSS JOIN LATERAL (SELECT id FROM tasks WHERE tasks.unrouted AND tasks.type = home.type OFFSET 0) AS late
WHERE tasks.id = ANY (ARRAY[late.id]) AND tasks.unrouted::integer = 1 AND tasks.status IN ('scheduled', 'blocked', 'queued')
RETURNING
    tasks.queue, tasks.type, tasks.priority, tasks.account_id,
    CASE WHEN tasks.status = 'queued' AND tasks.hold IS NULL THEN tasks.seq END AS seq
