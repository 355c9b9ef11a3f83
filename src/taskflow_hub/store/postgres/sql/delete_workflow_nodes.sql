DELETE FROM workflow_nodes WHERE workflow_id = ANY ($1::uuid[])
