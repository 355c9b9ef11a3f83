-- How many items of these fan-outs wait or run: [node, status, how many].
SELECT json_group_array(json_array(node, status, items)) FROM (
    SELECT work.node, task.status, count(*) AS items
    FROM
        (SELECT ? AS workflow_id) AS asked
        CROSS JOIN json_each(?) AS name
        CROSS JOIN workflow_tasks AS work
            ON work.workflow_id = asked.workflow_id AND work.node = name.value AND work.item >= 0
        CROSS JOIN tasks AS task ON task.id = work.task_id
    GROUP BY work.node, task.status
)
