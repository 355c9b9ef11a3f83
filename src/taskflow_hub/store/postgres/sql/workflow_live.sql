-- The tasks of some workflows that have not ended, but for those of `finally`.
SELECT work.workflow_id::text AS workflow_id, work.node, work.item, work.task_id::text AS task_id
FROM workflow_tasks AS work 
WHERE work.workflow_id = ANY ($1::uuid[]) AND work.node <> 'finally'
    AND EXISTS (SELECT FROM tasks WHERE tasks.id = work.task_id OFFSET 0)
