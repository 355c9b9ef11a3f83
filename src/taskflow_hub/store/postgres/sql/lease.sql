-- queued → running: the owner is written with the lease. The rows are locked by this very transaction, so they are as they were. The
-- time is the statement's: the transaction may have waited for a worker's lock since before the task was queued.
UPDATE tasks AS task
SET
    status = 'running', attempt = task.attempt + 1, worker = item.worker, lease_no = nextval('task_lease_no'),
    leased_at = coalesce($1::timestamptz, statement_timestamp()), taken = 'unknown', missing = 0,
    hold = NULL, progress = NULL, rev = task.rev + 1
FROM unnest($2::uuid[], $3::text[]) AS item (id, worker)
WHERE task.id = ANY (ARRAY[item.id])
RETURNING
    task.id::text AS id, task.attempt, task.type, task.queue, task.priority, task.payload, task.timeout, task.retry_count,
    task.max_retries, task.created_at, task.tags, task.traceparent, task.worker, task.lease_no
