-- A workflow as one JSON array, in the order of asks.WorkflowRow.
json_array(
    workflow.id, workflow.root_id, workflow.parent_id, workflow.parent_node, workflow.item, workflow.account_id, workflow.user_id,
    workflow.name, json(workflow.tags), workflow.status, json(workflow.path), workflow.traceparent, workflow.schedule_id, workflow.ending,
    workflow.left_nodes, workflow.broken
)
