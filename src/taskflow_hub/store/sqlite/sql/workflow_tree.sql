-- A workflow with all sub-workflows in it.
WITH wanted (id) AS (SELECT value FROM json_each(?))
SELECT json_group_array(id) FROM (
    SELECT workflows.id FROM wanted CROSS JOIN workflows ON workflows.id = wanted.id
    UNION ALL
    SELECT sub.id FROM wanted CROSS JOIN workflows AS sub ON sub.root_id = wanted.id AND sub.parent_id IS NOT NULL
)
