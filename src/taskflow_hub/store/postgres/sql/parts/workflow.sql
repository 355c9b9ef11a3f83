-- The columns of a workflow in the order of asks.WorkflowRow.
workflow.id::text AS id, workflow.root_id::text AS root_id, workflow.parent_id::text AS parent_id, workflow.parent_node, workflow.item,
workflow.account_id, workflow.user_id, workflow.name, workflow.tags, workflow.status, workflow.path, workflow.traceparent,
workflow.schedule_id, workflow.ending, workflow.left_nodes, workflow.broken
