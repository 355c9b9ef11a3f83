INSERT INTO workflow_tasks (workflow_id, node, item, task_id)
SELECT * FROM (VALUES /*items*/ (?, ?, ?, ?))
WHERE column1 IS NOT NULL
