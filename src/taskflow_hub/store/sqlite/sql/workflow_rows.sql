SELECT json_group_array(json(/*workflow*/)) FROM workflows AS workflow WHERE workflow.id IN (SELECT value FROM json_each(?))
