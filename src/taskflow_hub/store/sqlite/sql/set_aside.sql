-- The tasks of a node go under another name, for it will do its work anew.
WITH asked (workflow_id, node, name) AS (VALUES (?, ?, ?))
UPDATE workflow_tasks SET node = asked.name
FROM asked
WHERE workflow_tasks.workflow_id = asked.workflow_id AND workflow_tasks.node = asked.node
