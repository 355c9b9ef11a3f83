-- How many nodes workflows have in each state: [workflow, status, how many].
SELECT json_group_array(json_array(workflow_id, status, nodes)) FROM (
    SELECT node.workflow_id, node.status, count(*) AS nodes
    FROM json_each(?) AS item CROSS JOIN workflow_nodes AS node ON node.workflow_id = item.value
    GROUP BY node.workflow_id, node.status
)
