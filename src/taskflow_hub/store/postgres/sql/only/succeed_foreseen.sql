-- succeed.sql and save_workflows.sql in one, for ends of which it is known beforehand what follows (foreseen.py). Nothing happens unless
-- the roots ($3, in the order of their ids) are as they were then ($4: `rev`), and every attempt owns its task. Roots are locked
-- first: there is no item before they have been counted.
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now),
root AS MATERIALIZED (
    SELECT workflow.id
    FROM
        unnest($3::uuid[], $4::integer[]) AS known (id, rev)
        CROSS JOIN LATERAL (SELECT * FROM workflows WHERE workflows.id = known.id OFFSET 0 FOR UPDATE) AS workflow
    WHERE workflow.rev = known.rev
),
item AS MATERIALIZED (
    SELECT item.*
    FROM
        (SELECT count(*) AS found FROM root) AS root,
        unnest($5::uuid[], $6::integer[], $7::double precision[], $8::text[], $9::text[])
            WITH ORDINALITY AS item (id, attempt, ran_s, result, result_ref, n)
    WHERE root.found = cardinality($3::uuid[])
    ORDER BY item.id
),
owned AS MATERIALIZED (
    SELECT item.n, item.id, item.result, item.result_ref, /*begun*/ AS begun
    FROM clock CROSS JOIN item CROSS JOIN LATERAL (/*lock*/) AS task
    WHERE task.attempt = item.attempt AND task.status = 'running'
),
gate AS MATERIALIZED (SELECT FROM (SELECT count(*) AS found FROM owned) AS owned WHERE owned.found = cardinality($5::uuid[])),
locked AS (SELECT owned.* FROM gate CROSS JOIN owned),
/*succeeded*/,
flow AS (
    SELECT * FROM unnest(
        $10::uuid[], $11::text[], $12::text[], $13::integer[], $14::integer[], $15::text[], $16::text[], $17::double precision[]
    ) AS flow (id, status, ending, left_nodes, broken, result, error, deadline_s)
),
step AS (
    SELECT * FROM unnest(
        $18::uuid[], $19::text[], $20::text[], $21::integer[], $22::integer[], $23::integer[], $24::integer[], $25::integer[],
        $26::integer[], $27::boolean[], $28::text[]
    ) AS step (workflow_id, node, status, waits, missed, total, left_items, failed, cancelled, begun, error)
),
freed AS (SELECT * FROM unnest($29::uuid[], $30::text[]) WITH ORDINALITY AS freed (id, payload, n)),
/*saved*/
SELECT EXISTS (SELECT FROM gate) AS done, ready.* FROM (SELECT) AS one LEFT JOIN ready ON true
