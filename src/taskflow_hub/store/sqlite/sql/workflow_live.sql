-- The tasks of some workflows that have not ended, but for those of `finally`.
SELECT json_group_array(json_array(work.workflow_id, work.node, work.item, work.task_id))
FROM
    json_each(?) AS item
    CROSS JOIN workflow_tasks AS work ON work.workflow_id = item.value AND work.node <> 'finally'
    CROSS JOIN tasks AS task ON task.id = work.task_id
