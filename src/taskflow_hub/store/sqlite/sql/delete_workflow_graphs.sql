DELETE FROM workflow_graphs WHERE workflow_id IN (SELECT value FROM json_each(?))
