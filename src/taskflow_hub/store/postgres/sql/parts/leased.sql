-- What a lease changes, but for the owner. The time is the statement's: the transaction may have waited for a worker's lock since before
-- the task was queued.
status = 'running', attempt = task.attempt + 1, lease_no = nextval('task_lease_no'),
leased_at = coalesce($1::timestamptz, statement_timestamp()), taken = 'unknown', missing = 0,
hold = NULL, progress = NULL, rev = task.rev + 1
