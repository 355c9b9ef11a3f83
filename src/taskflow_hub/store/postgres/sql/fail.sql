-- running → failed, for a whole batch; answers the places of those that do not own their task. A standing cancel request does not stop
-- it. Nothing is poisoned by a crash that was none: the owner of a task with `missing` below zero has come back since (take_back.sql).
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now),
item AS MATERIALIZED (
    SELECT *
    FROM unnest($3::uuid[], $4::integer[], $5::double precision[], $6::text[], $7::text[], $8::text[], $9::text[], $10::boolean[],
        $12::text[])
        WITH ORDINALITY AS item (id, attempt, ran_s, reason, error, outcome, ended_by, crashed, signature, n)
    ORDER BY id
),
locked AS MATERIALIZED (
    SELECT
        item.n, item.id, item.reason, item.error AS last_error, item.outcome, item.ended_by, item.crashed, item.signature,
        /*begun*/ AS begun
    FROM clock CROSS JOIN item CROSS JOIN LATERAL (/*lock*/) AS task
    WHERE
        task.attempt = item.attempt AND task.status = 'running' AND (task.workflow_id IS NULL OR $11::boolean)
        AND NOT (item.reason = 'poison' AND task.missing < 0)
),
ended AS (
    DELETE FROM tasks AS task USING locked WHERE task.id = ANY (ARRAY[locked.id])
    RETURNING
        task.*, locked.n, locked.begun, locked.reason, locked.last_error, locked.outcome, locked.ended_by, locked.crashed,
        locked.signature
),
kept AS (
    INSERT INTO finished_tasks (/*carried*/, status, rev, crashes, started_at, finished_at, outcome, ended_by, reason, error, fingerprint)
    SELECT
        /*carried*/, 'failed', rev + 1, crashes + crashed::integer, begun, clock.now, outcome, ended_by, reason, last_error,
        /*fingerprint*/
    FROM ended CROSS JOIN clock
    RETURNING account_id, queue, type, status, finished_at, id, fingerprint
),
tally AS (/*tally*/),
grouped AS (/*failed*/)
SELECT n FROM item WHERE n NOT IN (SELECT n FROM ended)
