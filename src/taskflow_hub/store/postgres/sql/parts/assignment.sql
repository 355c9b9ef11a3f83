-- What the owner of a lease is sent, in the order of lease.py, and then what the store remembers of it.
task.id::text AS id, task.attempt, task.type, task.queue, task.priority, task.payload, task.timeout, task.retry_count,
task.max_retries, task.created_at, task.tags, task.traceparent, task.worker, task.lease_no, task.workflow_id
