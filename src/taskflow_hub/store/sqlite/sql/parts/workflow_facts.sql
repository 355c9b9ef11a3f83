-- A workflow as one JSON array, in the order of workflow_pages.WorkflowFacts.
json_array(
    workflow.id, workflow.name, workflow.status, workflow.rev, workflow.user_id, json(workflow.tags), workflow.created_at,
    workflow.deadline_at, workflow.cancel_requested_at, workflow.finished_at, workflow.max_concurrency,
    json('[' || workflow.result || ']'), json(workflow.error), workflow.schedule_id, workflow.parent_id, workflow.parent_node,
    workflow.item, workflow.root_id, json(workflow.path)
)
