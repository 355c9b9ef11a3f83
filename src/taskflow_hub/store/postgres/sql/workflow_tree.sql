-- A workflow with all sub-workflows in it.
SELECT id::text AS id FROM workflows WHERE id = ANY ($1::uuid[])
UNION ALL
SELECT id::text
FROM (SELECT id, parent_id FROM workflows WHERE root_id = ANY ($1::uuid[]) OFFSET 0) AS workflow
WHERE parent_id IS NOT NULL
