WITH clock (now) AS (VALUES (?)),
item (workflow_id, node, status, waits, missed, total, left_items, failed, cancelled, begun, error) AS (
    VALUES /*items*/ (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
)
INSERT INTO workflow_nodes (
    workflow_id, node, status, waits, missed, total, left_items, failed, cancelled, error, started_at, finished_at
)
SELECT
    item.workflow_id, item.node, item.status, item.waits, item.missed, item.total, item.left_items, item.failed, item.cancelled,
    item.error, CASE WHEN item.begun THEN clock.now END,
    CASE WHEN item.status NOT IN ('blocked', 'running') THEN clock.now END
FROM item, clock
WHERE item.workflow_id IS NOT NULL
