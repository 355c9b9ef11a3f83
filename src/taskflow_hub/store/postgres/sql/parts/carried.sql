-- What an end takes along as it is.
id, attempt, type, queue, priority, expires_at, worker, cancel_requested_at, timeout, retry_count, max_retries, created_at, tags,
traceparent, account_id, user_id, run_at, retry, progress, unrouted, unique_key, parent_id, schedule_id, workflow_id, octets, limits, payload
