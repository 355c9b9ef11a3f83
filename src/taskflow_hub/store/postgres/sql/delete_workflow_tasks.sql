DELETE FROM workflow_tasks WHERE workflow_id = ANY ($1::uuid[])
