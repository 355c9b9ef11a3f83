-- scheduled → queued, now, at the end of the line. Found by its id alone, as in parts/lock.sql, or an index of scheduled tasks is walked.
WITH found AS MATERIALIZED (
    SELECT id, account_id, status FROM tasks WHERE id = $1::uuid FOR UPDATE
)
UPDATE tasks AS task
SET status = 'queued', seq = nextval('task_seq'), rev = task.rev + 1
FROM found
WHERE task.id = ANY (ARRAY[found.id]) AND found.account_id = $2::text AND found.status = 'scheduled'
RETURNING task.queue, task.type, task.priority, task.account_id, task.seq
