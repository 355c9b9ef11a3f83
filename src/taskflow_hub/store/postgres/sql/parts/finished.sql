-- The columns of a finished task in the order of rows.task_of.
task.id::text AS id, task.type, task.queue, task.priority, task.status, task.rev, task.reason, NULL::text AS hold,
task.payload, task.attempt, task.retry_count, task.max_retries, task.crashes, task.retry, task.timeout, task.created_at,
task.run_at, task.started_at, task.finished_at, task.expires_at, task.cancel_requested_at, task.progress,
task.result, task.result_ref, task.error, task.user_id, task.tags, task.worker,
task.parent_id::text AS parent_id, task.workflow_id, task.schedule_id, task.traceparent
