-- failed, cancelled, skipped → blocked, as if new; answers their ids. What redrive.sql says of the attempt that ended a task, and of
-- crashes, holds here, too. $2: none of them can have finished before. $3: the shard.
WITH locked AS MATERIALIZED (
    SELECT id FROM finished_tasks
    WHERE id = ANY ($1::uuid[]) AND status IN ('failed', 'cancelled', 'skipped') AND finished_at >= $2::timestamptz
    ORDER BY id
    FOR UPDATE
),
back AS (
    DELETE FROM finished_tasks AS task USING locked
    WHERE
        task.id = ANY (ARRAY[locked.id]) AND task.status IN ('failed', 'cancelled', 'skipped')
        AND task.finished_at >= $2::timestamptz
    RETURNING task.*
),
here AS (SELECT $3::smallint AS shard),
unfailed AS (/*unfailed*/),
attempt AS (
    INSERT INTO attempts (task_id, attempt, outcome, ended_by, started_at, ended_at, worker, error)
    SELECT id, attempt, outcome, ended_by, started_at, finished_at, worker, error FROM back WHERE outcome IS NOT NULL
),
forgiven AS (
    UPDATE attempts SET crashed = false
    WHERE task_id = ANY (ARRAY(SELECT id FROM back)) AND crashed::integer = 1 AND ended_at >= $2::timestamptz
)
INSERT INTO tasks (
    id, status, attempt, type, queue, priority, expires_at, rev, timeout, max_retries, created_at, tags, traceparent, account_id,
    user_id, retry, unrouted, unique_key, parent_id, schedule_id, workflow_id, octets, limits, payload
)
SELECT
    id, 'blocked', attempt, type, queue, priority, expires_at, rev + 1, timeout, max_retries, created_at, tags, traceparent, account_id,
    user_id, retry, unrouted, unique_key, parent_id, schedule_id, workflow_id, octets, limits, payload
FROM back
RETURNING id::text AS id
