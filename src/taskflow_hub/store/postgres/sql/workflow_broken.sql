-- The nodes of a workflow that failed or were cancelled.
SELECT /*node*/, work.task_id::text AS task_id
FROM
    workflow_nodes AS node
    LEFT JOIN LATERAL (
        SELECT task_id FROM workflow_tasks AS work
        WHERE work.workflow_id = node.workflow_id AND work.node = node.node AND work.item = -1
        OFFSET 0
    ) AS work ON true
WHERE node.workflow_id = $1::uuid AND node.status IN ('failed', 'cancelled')
