-- The sub-workflows in a tree that have not ended.
SELECT /*workflow*/ FROM workflows AS workflow
WHERE workflow.root_id = $1::uuid AND workflow.parent_id IS NOT NULL AND workflow.status = 'running'
