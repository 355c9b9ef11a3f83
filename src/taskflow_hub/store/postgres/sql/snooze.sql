-- running → scheduled, not counted; or → cancelled where that is asked. Answers the places of those that were cancelled, and of those
-- that do not own their task.
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now),
item AS MATERIALIZED (
    SELECT *
    FROM unnest($3::uuid[], $4::integer[], $5::double precision[], $6::double precision[], $7::timestamptz[])
        WITH ORDINALITY AS item (id, attempt, ran_s, delay_s, until, n)
    ORDER BY id
),
locked AS MATERIALIZED (
    SELECT
        item.n, item.id, task.attempt, task.worker, task.cancel_requested_at IS NOT NULL AS asked, /*begun*/ AS begun,
        'snoozed' AS outcome, 'snoozed' AS ended_by, NULL::text AS error, false AS crashed,
        coalesce(item.until, clock.now + make_interval(secs => coalesce(item.delay_s, 0))) AS run_at
    FROM clock CROSS JOIN item CROSS JOIN LATERAL (/*lock*/) AS task
    WHERE
        task.attempt = item.attempt AND task.status = 'running'
        AND (task.workflow_id IS NULL OR task.cancel_requested_at IS NULL OR $8::boolean)
),
attempt AS (/*attempt*/),
moved AS (
    UPDATE tasks AS task
    SET
        status = 'scheduled', run_at = locked.run_at,
        started_at = NULL, worker = NULL, taken = NULL, leased_at = NULL, rev = task.rev + 1
    FROM locked
    WHERE task.id = ANY (ARRAY[locked.id]) AND NOT locked.asked
),
/*yield*/
SELECT n, true AS aborted FROM aborted
UNION ALL
SELECT n, false FROM item WHERE n NOT IN (SELECT n FROM locked)
