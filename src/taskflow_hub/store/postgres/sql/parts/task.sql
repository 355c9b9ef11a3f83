-- The columns of a live task in the order of rows.task_of; parts/finished.sql has the same for a finished one.
task.id::text AS id, task.type, task.queue, task.priority, task.status, task.rev, NULL::text AS reason, task.hold,
task.payload, task.attempt, task.retry_count, task.max_retries, task.crashes, task.retry, task.timeout, task.created_at,
task.run_at, task.started_at, NULL::timestamptz AS finished_at, task.expires_at, task.cancel_requested_at, task.progress,
NULL::text AS result, NULL::text AS result_ref, task.error, task.user_id, task.tags, task.worker,
task.parent_id::text AS parent_id, task.workflow_id, task.schedule_id, task.traceparent
