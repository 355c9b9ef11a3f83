-- One JSON array per task, in the order of rows.TaskRow. JSON columns go in as they are; a result is wrapped, for it may be null.
'[' || json_quote(task.id) || ',' || json_quote(task.type) || ',' || json_quote(task.queue) || ',' || task.priority
|| ',"' || task.status || '",' || task.rev || ',' || json_quote(task.reason) || ',' || json_quote(task.hold)
|| ',' || (SELECT payload FROM payloads WHERE task_id = task.id) || ',' || task.attempt || ',' || task.retry_count || ',' || coalesce(task.max_retries, 'null')
|| ',' || task.crashes || ',' || task.retry || ',' || coalesce(task.timeout, 'null') || ',' || task.created_at
|| ',' || coalesce(task.run_at, 'null') || ',' || coalesce(task.started_at, 'null')
|| ',' || coalesce(task.finished_at, 'null') || ',' || coalesce(task.expires_at, 'null')
|| ',' || coalesce(task.cancel_requested_at, 'null') || ',' || coalesce(task.progress, 'null')
|| ',' || coalesce('[' || task.result || ']', 'null') || ',' || coalesce(task.result_ref, 'null')
|| ',' || coalesce(task.error, 'null') || ',' || json_quote(task.user_id) || ',' || task.tags
|| ',' || json_quote(task.worker) || ',' || json_quote(task.parent_id) || ',' || json_quote(task.workflow_id)
|| ',' || json_quote(task.schedule_id) || ',' || json_quote(task.traceparent) || ']'
