-- The tasks of a fan-out's items that failed or were cancelled, in order.
SELECT json_group_array(json_array(workflow_id, node, item, task_id)) FROM (
    SELECT work.workflow_id, work.node, work.item, work.task_id
    FROM workflow_tasks AS work CROSS JOIN finished_tasks AS task ON task.id = work.task_id
    WHERE work.workflow_id = ? AND work.node = ? AND task.status IN ('failed', 'cancelled')
    ORDER BY work.item
)
