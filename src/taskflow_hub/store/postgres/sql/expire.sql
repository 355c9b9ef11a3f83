-- scheduled, blocked, queued → failed for those that have expired, earliest first. Any number of processes may do this: each passes
-- over what another is just moving.
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now),
expired AS MATERIALIZED (
    SELECT task.id
    FROM tasks AS task
    WHERE
        task.expires_at IS NOT NULL AND task.status IN ('scheduled', 'blocked', 'queued')
        AND task.expires_at <= coalesce($1::timestamptz, now())
    ORDER BY task.expires_at
    LIMIT $3::integer
    FOR UPDATE SKIP LOCKED
),
ended AS (
    DELETE FROM tasks AS task USING expired WHERE task.id = ANY (ARRAY[expired.id]) RETURNING task.*
),
kept AS (
    INSERT INTO finished_tasks (/*carried*/, status, rev, crashes, started_at, finished_at, reason, error)
    SELECT /*carried*/, 'failed', rev + 1, crashes, started_at, clock.now, 'expired', error
    FROM ended CROSS JOIN clock
    RETURNING account_id, queue, type, status, finished_at
),
tally AS (/*tally*/)
SELECT id::text AS id FROM ended ORDER BY expires_at, id
