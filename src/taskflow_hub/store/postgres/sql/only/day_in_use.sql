-- Are there, in this day of finished tasks (its table's name stands for /* day */), any of workflows that have not ended?
SELECT EXISTS (
    SELECT
    FROM
        workflows AS root
        JOIN workflows AS workflow ON workflow.root_id = root.id
        JOIN workflow_tasks AS work ON work.workflow_id = workflow.id
        JOIN /* day */ AS task ON task.id = work.task_id
    WHERE root.status = 'running' AND root.parent_id IS NULL
)
