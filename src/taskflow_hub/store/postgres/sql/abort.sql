-- running → cancelled, where that is asked; answers the places of the others.
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now),
item AS MATERIALIZED (
    SELECT * FROM unnest($3::uuid[], $4::integer[], $5::double precision[]) WITH ORDINALITY AS item (id, attempt, ran_s, n)
    ORDER BY id
),
locked AS MATERIALIZED (
    SELECT
        item.n, item.id, task.cancel_requested_at IS NOT NULL AS asked, /*begun*/ AS begun, 'aborted' AS ended_by,
        NULL::text AS error
    FROM clock CROSS JOIN item CROSS JOIN LATERAL (/*lock*/) AS task
    WHERE task.attempt = item.attempt AND task.status = 'running' AND (task.workflow_id IS NULL OR $6::boolean)
),
/*yield*/
SELECT n FROM item WHERE n NOT IN (SELECT n FROM aborted)
