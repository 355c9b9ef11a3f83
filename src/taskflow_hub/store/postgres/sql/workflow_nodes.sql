-- Nodes by (workflow, name), with the task of each that is plain.
SELECT /*node*/, work.task_id::text AS task_id
FROM
    unnest($1::uuid[], $2::text[]) AS item (workflow_id, node)
    CROSS JOIN LATERAL (
        SELECT * FROM workflow_nodes AS node WHERE node.workflow_id = item.workflow_id AND node.node = item.node OFFSET 0
    ) AS node
    LEFT JOIN LATERAL (
        SELECT task_id FROM workflow_tasks AS work
        WHERE work.workflow_id = node.workflow_id AND work.node = node.node AND work.item = -1
        OFFSET 0
    ) AS work ON true
