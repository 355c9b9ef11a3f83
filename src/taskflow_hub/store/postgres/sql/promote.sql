-- scheduled → queued, now, at the end of the line.
UPDATE tasks AS task
SET status = 'queued', seq = nextval('task_seq'), rev = task.rev + 1
WHERE task.id = $1::uuid AND task.account_id = $2::text AND task.status = 'scheduled'
RETURNING task.queue, task.type, task.priority, task.seq
