-- blocked → failed, for what a task's payload refers to is not there; answers their ids.
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now),
item AS MATERIALIZED (
    SELECT DISTINCT ON (id) id, why FROM unnest($3::uuid[], $4::text[]) WITH ORDINALITY AS item (id, why, n) ORDER BY id, n
),
locked AS MATERIALIZED (
    SELECT item.id, item.why FROM item CROSS JOIN LATERAL (/*lock*/) AS task WHERE task.status = 'blocked'
),
ended AS (
    DELETE FROM tasks AS task USING locked WHERE task.id = ANY (ARRAY[locked.id]) RETURNING task.*, locked.why
),
kept AS (
    INSERT INTO finished_tasks (/*carried*/, status, rev, crashes, started_at, finished_at, reason, error, fingerprint)
    SELECT /*carried*/, 'failed', rev + 1, crashes, started_at, clock.now, 'reference', why, /*fingerprint*/
    FROM ended CROSS JOIN clock CROSS JOIN (SELECT $5::text AS signature) AS kind
    RETURNING account_id, queue, type, status, finished_at, id, fingerprint
),
tally AS (/*tally*/),
grouped AS (/*failed*/)
SELECT id::text AS id FROM ended
