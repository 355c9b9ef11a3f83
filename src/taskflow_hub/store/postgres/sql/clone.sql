-- A task that has ended once more under a new id, blocked, as if new; answers its queue and type. $3: it cannot have finished before.
WITH cloned AS (
    INSERT INTO tasks (
        id, status, type, queue, priority, expires_at, timeout, max_retries, created_at, tags, traceparent, account_id, user_id, retry,
        unrouted, parent_id, schedule_id, workflow_id, octets, limits, payload
    )
    SELECT
        $2::uuid, 'blocked', type, queue, priority, expires_at, timeout, max_retries, coalesce($4::timestamptz, now()), tags,
        traceparent, account_id, user_id, retry, unrouted, parent_id, schedule_id, workflow_id, octets, limits, payload
    FROM finished_tasks
    WHERE id = $1::uuid AND finished_at >= $3::timestamptz
    RETURNING id, account_id, tags, queue, type
),
tagged AS (
    INSERT INTO task_tags (account_id, tag, task_id) SELECT DISTINCT account_id, unnest(tags), id FROM cloned
)
SELECT queue, type FROM cloned
