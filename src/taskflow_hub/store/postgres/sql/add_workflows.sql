-- Workflows that begin now; some have ended already. Each item is a JSON document, for tags are lists.
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now)
INSERT INTO workflows (
    id, root_id, parent_id, parent_node, item, account_id, user_id, name, tags, status, path, traceparent, schedule_id, ending,
    left_nodes, broken, input, result, error, created_at, deadline_at, finished_at,
    max_concurrency
)
SELECT
    item.id, item.root_id, item.parent_id, item.parent_node, item.item, item.account_id, item.user_id, item.name,
    ARRAY(SELECT json_array_elements_text(item.tags::json)), item.status, item.path, item.traceparent, item.schedule_id, item.ending,
    item.left_nodes, item.broken, item.input, item.result, item.error, clock.now, clock.now + make_interval(secs => item.deadline_s),
    CASE WHEN item.status <> 'running' THEN clock.now END, item.max_concurrency
FROM
    clock,
    unnest(
        $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::integer[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
        $12::text[], $13::text[], $14::text[], $15::text[], $16::integer[], $17::integer[], $18::text[], $19::text[], $20::text[],
        $21::double precision[], $22::integer[]
    ) AS item (
        id, root_id, parent_id, parent_node, item, account_id, user_id, name, tags, status, path, traceparent, schedule_id, ending,
        left_nodes, broken, input, result, error, deadline_s, max_concurrency
    )
