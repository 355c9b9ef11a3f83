-- A node as one JSON array, in the order of asks.NodeRow.
json_array(
    node.workflow_id, node.node, node.status, node.waits, node.missed, node.total, node.left_items, node.failed, node.cancelled,
    json(CASE WHEN node.started_at IS NULL THEN 'false' ELSE 'true' END), json(node.error), work.task_id
)
