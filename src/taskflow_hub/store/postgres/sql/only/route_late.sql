-- Tasks that were submitted without a queue while their type was being registered go to its home after all.
UPDATE tasks AS task
SET queue = home.queue, unrouted = false, rev = task.rev + (task.queue <> home.queue)::integer
FROM (
    SELECT tasks.id, task_types.queue
    FROM tasks JOIN task_types ON task_types.type = tasks.type
    WHERE tasks.unrouted
    FOR UPDATE OF tasks SKIP LOCKED
) AS home
WHERE task.id = ANY (ARRAY[home.id]) AND task.unrouted
RETURNING
    task.queue, task.type, task.priority, task.account_id,
    CASE WHEN task.status = 'queued' AND task.hold IS NULL THEN task.seq END AS seq
