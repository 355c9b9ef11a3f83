-- scheduled, blocked, queued → failed for those that have expired, earliest first. Any number of processes may do this: each passes
-- over what another is just moving. $4: the workflows whose rows are locked; tasks of others are left for the next time.
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now),
expired AS MATERIALIZED (
    SELECT task.id
    FROM tasks AS task
    WHERE
        task.expires_at IS NOT NULL AND task.status IN ('scheduled', 'blocked', 'queued')
        AND task.expires_at <= coalesce($1::timestamptz, now())
        AND (task.workflow_id IS NULL OR task.workflow_id = ANY ($4::text[]))
    ORDER BY task.expires_at
    LIMIT $3::integer
    FOR UPDATE SKIP LOCKED
),
ended AS (
    DELETE FROM tasks AS task USING expired WHERE task.id = ANY (ARRAY[expired.id]) RETURNING task.*
),
kept AS (
    INSERT INTO finished_tasks (/*carried*/, status, rev, crashes, started_at, finished_at, reason, error, fingerprint)
    SELECT /*carried*/, 'failed', rev + 1, crashes, started_at, clock.now, 'expired', error, /*fingerprint*/
    FROM ended CROSS JOIN clock CROSS JOIN (SELECT $5::text AS signature) AS kind
    RETURNING account_id, queue, type, status, finished_at, id, fingerprint
),
tally AS (/*tally*/),
grouped AS (/*failed*/)
SELECT id::text AS id FROM ended ORDER BY expires_at, id
