-- Does this task sleep for this event? Only the wait of its present attempt counts, and only while it is scheduled.
SELECT 1
FROM (SELECT id, attempt, status FROM tasks WHERE id = $1::uuid OFFSET 0) AS task
JOIN task_waits AS wait ON wait.task_id = task.id AND wait.attempt = task.attempt
WHERE task.status = 'scheduled' AND wait.event = $2
