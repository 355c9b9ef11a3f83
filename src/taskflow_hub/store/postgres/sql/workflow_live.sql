-- The tasks of some workflows that have not ended, but for those of `finally`.
SELECT work.workflow_id::text AS workflow_id, work.node, work.item, work.task_id::text AS task_id
FROM workflow_tasks AS work JOIN tasks AS task ON task.id = work.task_id
WHERE work.workflow_id = ANY ($1::uuid[]) AND work.node <> 'finally'
