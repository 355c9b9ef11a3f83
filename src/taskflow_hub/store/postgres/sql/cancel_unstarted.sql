-- scheduled, blocked, queued → cancelled; answers their ids. One that was leased while its lock was waited for stays as it is.
-- $4: the workflows whose rows are locked; no task of another is touched.
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now),
item AS MATERIALIZED (SELECT DISTINCT id FROM unnest($3::uuid[]) AS item (id) ORDER BY id),
locked AS MATERIALIZED (
    SELECT item.id FROM item CROSS JOIN LATERAL (/*lock*/) AS task
    WHERE task.status IN ('scheduled', 'blocked', 'queued') AND (task.workflow_id IS NULL OR task.workflow_id = ANY ($4::text[]))
),
ended AS (
    DELETE FROM tasks AS task USING locked WHERE task.id = ANY (ARRAY[locked.id]) RETURNING task.*
),
kept AS (
    INSERT INTO finished_tasks (/*carried*/, status, rev, crashes, started_at, finished_at, error)
    SELECT /*carried*/, 'cancelled', rev + 1, crashes, started_at, clock.now, error
    FROM ended CROSS JOIN clock
    RETURNING account_id, queue, type, status, finished_at
),
tally AS (/*tally*/)
SELECT id::text AS id FROM ended
