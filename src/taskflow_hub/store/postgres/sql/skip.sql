-- blocked → skipped; answers their ids. The charts do not count them.
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now),
item AS MATERIALIZED (SELECT DISTINCT id FROM unnest($2::uuid[]) AS item (id) ORDER BY id),
locked AS MATERIALIZED (
    SELECT item.id FROM item CROSS JOIN LATERAL (/*lock*/) AS task WHERE task.status = 'blocked'
),
ended AS (
    DELETE FROM tasks AS task USING locked WHERE task.id = ANY (ARRAY[locked.id]) RETURNING task.*
)
INSERT INTO finished_tasks (/*carried*/, status, rev, crashes, started_at, finished_at, error)
SELECT /*carried*/, 'skipped', rev + 1, crashes, started_at, clock.now, error
FROM ended CROSS JOIN clock
RETURNING id::text AS id
