-- And so do its sub-workflows.
WITH asked (workflow_id, node, name) AS (VALUES (?, ?, ?))
UPDATE workflows SET parent_node = asked.name
FROM asked
WHERE workflows.parent_id = asked.workflow_id AND workflows.parent_node = asked.node
