DELETE FROM workflow_nodes WHERE workflow_id IN (SELECT value FROM json_each(?))
