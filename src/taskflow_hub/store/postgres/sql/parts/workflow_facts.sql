-- The columns of a workflow in the order of workflow_pages.WorkflowFacts.
workflow.id::text AS id, workflow.name, workflow.status, workflow.rev, workflow.user_id, workflow.tags, workflow.created_at,
workflow.deadline_at, workflow.cancel_requested_at, workflow.finished_at, workflow.max_concurrency, workflow.result, workflow.error,
workflow.schedule_id, workflow.parent_id::text AS parent_id, workflow.parent_node, workflow.item, workflow.root_id::text AS root_id,
workflow.path
