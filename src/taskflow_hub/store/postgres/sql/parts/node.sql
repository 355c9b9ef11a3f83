-- The columns of a node in the order of asks.NodeRow, but for its task.
node.workflow_id::text AS workflow_id, node.node, node.status, node.waits, node.missed, node.total, node.left_items, node.failed,
node.cancelled, node.started_at IS NOT NULL AS begun, node.error
