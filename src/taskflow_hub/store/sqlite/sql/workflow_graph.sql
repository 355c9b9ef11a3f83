SELECT graph FROM workflow_graphs WHERE workflow_id = ?
