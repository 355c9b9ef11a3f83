-- Does this task sleep for this event? Only the wait of its present attempt counts, and only while it is scheduled.
SELECT 1 FROM tasks CROSS JOIN task_waits AS wait ON wait.task_id = tasks.id AND wait.attempt = tasks.attempt
WHERE tasks.id = ? AND tasks.status = 'scheduled' AND wait.event = ?
