-- What the store says the worker runs, and the time. Read without a lock: what changes until the heartbeat is written is fenced there
-- (beat_tasks.sql). One row of nulls if it runs nothing. As in only/lease_running.sql: what it was seen running before is looked up by
-- id, and to that comes what it was given since, or every heartbeat would walk over all that vacuum could not remove yet.
WITH seen AS MATERIALIZED (
    SELECT
        id, attempt, taken, missing, leased_at, started_at, cancel_requested_at, transits, lease_no, worker, status
    FROM tasks
    WHERE id = ANY ($3::uuid[])
),
since AS MATERIALIZED (
    SELECT
        id, attempt, taken, missing, leased_at, started_at, cancel_requested_at, transits, lease_no, worker, status
    FROM tasks
    WHERE worker = $2 AND status = 'running' AND lease_no > $4::bigint
),
found AS (
    SELECT * FROM seen WHERE worker = $2 AND status = 'running' AND lease_no <= $4::bigint
    UNION ALL
    SELECT * FROM since
)
SELECT
    clock.now, id::text AS id, attempt, taken, missing, leased_at, started_at IS NOT NULL AS started,
    cancel_requested_at IS NOT NULL AS cancel, transits, lease_no
FROM (SELECT coalesce($1::timestamptz, now()) AS now) AS clock
LEFT JOIN found ON true
