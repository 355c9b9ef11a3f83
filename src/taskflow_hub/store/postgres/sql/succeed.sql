-- running → success, for a whole batch; answers the places of those that do not own their task. A standing cancel request does not stop
-- it. The rows are locked in the order of their ids, so that two batches never wait for each other (trap b of the design).
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now),
item AS MATERIALIZED (
    SELECT * FROM unnest($3::uuid[], $4::integer[], $5::double precision[], $6::text[], $7::text[])
        WITH ORDINALITY AS item (id, attempt, ran_s, result, result_ref, n)
    ORDER BY id
),
locked AS MATERIALIZED (
    SELECT item.n, item.id, item.result, item.result_ref, /*begun*/ AS begun
    FROM clock CROSS JOIN item CROSS JOIN LATERAL (/*lock*/) AS task
    WHERE task.attempt = item.attempt AND task.status = 'running' AND (task.workflow_id IS NULL OR $8::boolean)
),
/*succeeded*/
SELECT n FROM item WHERE n NOT IN (SELECT n FROM ended)
