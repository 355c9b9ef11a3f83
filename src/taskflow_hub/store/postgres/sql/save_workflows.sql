-- All that a decision changes, in one statement, for a round trip costs more than what it asks for.
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now),
gate AS (SELECT),
flow AS (
    SELECT * FROM unnest(
        $2::uuid[], $3::text[], $4::text[], $5::integer[], $6::integer[], $7::text[], $8::text[], $9::double precision[]
    ) AS flow (id, status, ending, left_nodes, broken, result, error, deadline_s)
),
step AS (
    SELECT * FROM unnest(
        $10::uuid[], $11::text[], $12::text[], $13::integer[], $14::integer[], $15::integer[], $16::integer[], $17::integer[],
        $18::integer[], $19::boolean[], $20::text[]
    ) AS step (workflow_id, node, status, waits, missed, total, left_items, failed, cancelled, begun, error)
),
freed AS (SELECT * FROM unnest($21::uuid[], $22::text[]) WITH ORDINALITY AS freed (id, payload, n)),
/*saved*/
SELECT queue, type, priority, account_id, seq FROM ready
