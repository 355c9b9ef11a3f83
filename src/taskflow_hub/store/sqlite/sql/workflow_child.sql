-- Where a running attempt stands: [the workflow, its root, the path to it, the node].
SELECT json_array(work.workflow_id, workflow.root_id, json(workflow.path), work.node)
FROM
    tasks AS task
    LEFT JOIN workflow_tasks AS work ON work.task_id = task.id
    LEFT JOIN workflows AS workflow ON workflow.id = work.workflow_id
WHERE task.id = ? AND task.attempt = ? AND task.status = 'running'
