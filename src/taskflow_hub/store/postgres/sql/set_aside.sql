-- The work of a node goes under another name, for it will do its work anew.
WITH moved AS (UPDATE workflows SET parent_node = $3::text WHERE parent_id = $1::uuid AND parent_node = $2::text)
UPDATE workflow_tasks SET node = $3::text WHERE workflow_id = $1::uuid AND node = $2::text
