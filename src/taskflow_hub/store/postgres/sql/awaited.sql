-- Does this task sleep for this event? Only the wait of its present attempt counts, and only while it is scheduled.
SELECT 1
FROM (SELECT id, attempt, status FROM tasks WHERE id = $1::uuid OFFSET 0) AS task
WHERE
    task.status = 'scheduled'
    AND EXISTS (
        SELECT FROM task_waits AS wait
        WHERE wait.task_id = $1::uuid AND wait.event = $2 AND wait.attempt = task.attempt
        OFFSET 0
    )
