-- failed, cancelled → queued, at the end of the line in the order given, as if new; `attempt` never goes back. Locked before, by
-- redrive_look.sql. The attempt that ended the task gets its row before the task forgets (no attempt, no row), and crashes are
-- counted anew, so no worker that comes back may take back an old one. $3: none of them has finished before. $4: the shard.
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now),
item AS MATERIALIZED (
    SELECT id, n, nextval('task_seq') AS seq
    FROM (SELECT * FROM unnest($2::uuid[]) WITH ORDINALITY AS item (id, n) ORDER BY n) AS item
),
back AS (
    DELETE FROM finished_tasks AS task USING item
    WHERE task.id = ANY (ARRAY[item.id]) AND task.finished_at >= $3::timestamptz
    RETURNING task.*, item.seq
),
here AS (SELECT $4::smallint AS shard),
unfailed AS (/*unfailed*/),
attempt AS (
    INSERT INTO attempts (task_id, attempt, outcome, ended_by, started_at, ended_at, worker, error)
    SELECT id, attempt, outcome, ended_by, started_at, finished_at, worker, error FROM back WHERE outcome IS NOT NULL
),
forgiven AS (
    UPDATE attempts SET crashed = false
    WHERE task_id = ANY ($2::uuid[]) AND crashed::integer = 1 AND ended_at >= $3::timestamptz
)
INSERT INTO tasks (
    id, status, attempt, type, queue, priority, seq, expires_at, rev, timeout, max_retries, created_at, tags, traceparent,
    account_id, user_id, retry, unrouted, unique_key, parent_id, schedule_id, workflow_id, octets, limits, payload
)
SELECT
    id, 'queued', attempt, type, queue, priority, seq, CASE WHEN expires_at > clock.now THEN expires_at END, rev + 1, timeout,
    max_retries, created_at, tags, traceparent, account_id, user_id, retry, unrouted, unique_key, parent_id, schedule_id,
    workflow_id, octets, limits, payload
FROM back CROSS JOIN clock
RETURNING queue, type, priority, account_id, seq, id::text AS id
