SELECT task_id::text AS id FROM workflow_tasks WHERE workflow_id = ANY ($1::uuid[])
