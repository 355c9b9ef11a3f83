-- A task that has ended once more under a new id, blocked, as if new; answers its queue and type.
WITH asked (id, new_id, now) AS (VALUES (?, ?, ?))
INSERT INTO tasks (
    id, status, type, queue, priority, expires_at, timeout, max_retries, created_at, tags, traceparent, account_id, user_id, retry,
    unrouted, parent_id, schedule_id, workflow_id, limits
)
SELECT
    asked.new_id, 'blocked', type, queue, priority, expires_at, timeout, max_retries, asked.now, tags, traceparent, account_id, user_id,
    retry, unrouted, parent_id, schedule_id, workflow_id, limits
FROM asked CROSS JOIN finished_tasks ON finished_tasks.id = asked.id
RETURNING queue, type
