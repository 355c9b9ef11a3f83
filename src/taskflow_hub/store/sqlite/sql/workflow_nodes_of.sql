-- All nodes of some workflows that are in one of these states; none: in any.
WITH asked (workflows, states) AS (VALUES (?, ?))
SELECT json_group_array(json(/*node*/))
FROM
    asked
    CROSS JOIN json_each(asked.workflows) AS item
    CROSS JOIN workflow_nodes AS node ON node.workflow_id = item.value
    LEFT JOIN workflow_tasks AS work ON work.workflow_id = node.workflow_id AND work.node = node.node AND work.item = -1
WHERE asked.states = '[]' OR node.status IN (SELECT value FROM json_each(asked.states))
