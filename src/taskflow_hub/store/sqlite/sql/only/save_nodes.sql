-- Nodes as they have become.
WITH clock (now) AS (VALUES (?)),
item (workflow_id, node, status, waits, missed, total, left_items, failed, cancelled, begun, error) AS (
    VALUES /*items*/ (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
)
UPDATE workflow_nodes
SET
    status = item.status, waits = item.waits, missed = item.missed, total = item.total, left_items = item.left_items,
    failed = item.failed, cancelled = item.cancelled, error = item.error,
    started_at = CASE WHEN item.begun THEN coalesce(workflow_nodes.started_at, clock.now) END,
    finished_at = CASE WHEN item.status NOT IN ('blocked', 'running') THEN coalesce(workflow_nodes.finished_at, clock.now) END
FROM item, clock
WHERE workflow_nodes.workflow_id = item.workflow_id AND workflow_nodes.node = item.node
