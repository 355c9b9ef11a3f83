-- Whose work these tasks are.
SELECT json_group_array(json_array(workflow_id, node, item, task_id))
FROM workflow_tasks
WHERE task_id IN (SELECT value FROM json_each(?))
