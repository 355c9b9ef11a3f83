-- Whose work these tasks are.
SELECT workflow_id::text AS workflow_id, node, item, task_id::text AS task_id
FROM workflow_tasks
WHERE task_id = ANY ($1::uuid[])
