DELETE FROM workflow_tasks WHERE workflow_id IN (SELECT value FROM json_each(?))
