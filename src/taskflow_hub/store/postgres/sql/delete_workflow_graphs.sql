DELETE FROM workflow_graphs WHERE workflow_id = ANY ($1::uuid[])
