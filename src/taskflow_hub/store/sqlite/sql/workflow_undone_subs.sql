-- The sub-workflows of a node that failed or were cancelled.
SELECT json_group_array(json(/*workflow*/)) FROM workflows AS workflow
WHERE workflow.parent_id = ? AND workflow.parent_node = ? AND workflow.status IN ('failed', 'cancelled')
