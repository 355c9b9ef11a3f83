-- Nodes by (workflow, name), with the task of each that is plain.
SELECT json_group_array(json(/*node*/))
FROM
    json_each(?) AS item
    CROSS JOIN workflow_nodes AS node
        ON node.workflow_id = json_extract(item.value, '$[0]') AND node.node = json_extract(item.value, '$[1]')
    LEFT JOIN workflow_tasks AS work ON work.workflow_id = node.workflow_id AND work.node = node.node AND work.item = -1
