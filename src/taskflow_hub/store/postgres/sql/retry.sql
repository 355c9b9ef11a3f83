-- running → scheduled, counted; or → cancelled where that is asked. Answers the places of those that were cancelled, and of those that
-- do not own their task.
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now),
item AS MATERIALIZED (
    SELECT *
    FROM unnest($3::uuid[], $4::integer[], $5::double precision[], $6::double precision[], $7::text[], $8::text[], $9::text[])
        WITH ORDINALITY AS item (id, attempt, ran_s, delay_s, error, outcome, ended_by, n)
    ORDER BY id
),
locked AS MATERIALIZED (
    SELECT
        item.n, item.id, task.attempt, task.worker, task.cancel_requested_at IS NOT NULL AS asked, /*begun*/ AS begun,
        item.outcome, item.ended_by, item.error, false AS crashed, clock.now + make_interval(secs => item.delay_s) AS run_at
    FROM clock CROSS JOIN item CROSS JOIN LATERAL (/*lock*/) AS task
    WHERE
        task.attempt = item.attempt AND task.status = 'running'
        AND (task.workflow_id IS NULL OR task.cancel_requested_at IS NULL OR $10::boolean)
),
attempt AS (/*attempt*/),
moved AS (
    UPDATE tasks AS task
    SET
        status = 'scheduled', run_at = locked.run_at, error = locked.error, retry_count = task.retry_count + 1,
        started_at = NULL, worker = NULL, taken = NULL, leased_at = NULL, rev = task.rev + 1
    FROM locked
    WHERE task.id = ANY (ARRAY[locked.id]) AND NOT locked.asked
),
/*yield*/
SELECT n, true AS aborted FROM aborted
UNION ALL
SELECT n, false FROM item WHERE n NOT IN (SELECT n FROM locked)
