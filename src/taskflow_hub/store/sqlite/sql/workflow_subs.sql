-- The sub-workflows in a tree that have not ended.
SELECT json_group_array(json(/*workflow*/)) FROM workflows AS workflow
WHERE workflow.root_id = ? AND workflow.parent_id IS NOT NULL AND workflow.status = 'running'
