-- The sub-workflows of a node that failed or were cancelled.
SELECT /*workflow*/ FROM workflows AS workflow
WHERE workflow.parent_id = $1::uuid AND workflow.parent_node = $2::text AND workflow.status IN ('failed', 'cancelled')
