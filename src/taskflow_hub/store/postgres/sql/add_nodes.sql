WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now)
INSERT INTO workflow_nodes (
    workflow_id, node, status, waits, missed, total, left_items, failed, cancelled, error, started_at, finished_at
)
SELECT
    item.workflow_id, item.node, item.status, item.waits, item.missed, item.total, item.left_items, item.failed, item.cancelled,
    item.error, CASE WHEN item.begun THEN clock.now END,
    CASE WHEN item.status NOT IN ('blocked', 'running') THEN clock.now END
FROM
    clock,
    unnest(
        $2::uuid[], $3::text[], $4::text[], $5::integer[], $6::integer[], $7::integer[], $8::integer[], $9::integer[], $10::integer[],
        $11::boolean[], $12::text[]
    ) AS item (workflow_id, node, status, waits, missed, total, left_items, failed, cancelled, begun, error)
