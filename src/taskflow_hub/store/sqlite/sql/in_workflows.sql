-- Those of these tasks that are part of a workflow that is there: [id, workflow].
WITH wanted (id) AS (SELECT value FROM json_each(?))
SELECT json_group_array(json_array(id, workflow_id)) FROM (
    SELECT t.id, t.workflow_id
    FROM wanted CROSS JOIN tasks AS t ON t.id = wanted.id
    WHERE EXISTS (SELECT 1 FROM workflows WHERE workflows.id = t.workflow_id)
    UNION ALL
    SELECT f.id, f.workflow_id
    FROM wanted CROSS JOIN finished_tasks AS f ON f.id = wanted.id
    WHERE EXISTS (SELECT 1 FROM workflows WHERE workflows.id = f.workflow_id)
)
