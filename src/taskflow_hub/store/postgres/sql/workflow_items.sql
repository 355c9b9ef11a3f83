-- How many items of these fan-outs wait or run: node, status, how many.
SELECT work.node, task.status, count(*) AS items
FROM workflow_tasks AS work JOIN tasks AS task ON task.id = ANY (ARRAY[work.task_id])
WHERE work.workflow_id = $1::uuid AND work.node = ANY ($2::text[]) AND work.item >= 0
GROUP BY work.node, task.status
