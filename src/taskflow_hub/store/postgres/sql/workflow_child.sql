-- Where a running attempt stands: the workflow, its root, the path to it, and the node.
SELECT work.workflow_id::text AS workflow_id, workflow.root_id::text AS root_id, workflow.path, work.node
FROM
    (SELECT * FROM tasks WHERE tasks.id = $1::uuid OFFSET 0) AS task
    LEFT JOIN workflow_tasks AS work ON work.task_id = ANY (ARRAY[task.id])
    LEFT JOIN workflows AS workflow ON workflow.id = ANY (ARRAY[work.workflow_id])
WHERE task.attempt = $2::integer AND task.status = 'running'
