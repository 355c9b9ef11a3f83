-- Tasks that were submitted without a queue while their type was being registered go to its home after all.
UPDATE tasks AS task
SET queue = home.queue, unrouted = false, rev = task.rev + (task.queue <> home.queue)::integer
FROM (
    SELECT task.id, task_types.queue
    FROM task_types CROSS JOIN LATERAL (
        SELECT id FROM tasks WHERE tasks.unrouted AND tasks.type = task_types.type OFFSET 0 FOR UPDATE SKIP LOCKED
    ) AS task
) AS home
WHERE task.id = ANY (ARRAY[home.id]) AND task.unrouted::integer = 1
RETURNING
    task.queue, task.type, task.priority, task.account_id,
    CASE WHEN task.status = 'queued' AND task.hold IS NULL THEN task.seq END AS seq
