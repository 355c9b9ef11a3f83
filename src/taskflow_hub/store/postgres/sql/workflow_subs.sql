-- The sub-workflows in a tree that have not ended.
SELECT /*workflow*/ FROM (SELECT * FROM workflows WHERE root_id = $1::uuid OFFSET 0) AS workflow
WHERE workflow.parent_id IS NOT NULL AND workflow.status = 'running'
