-- All nodes of some workflows that are in one of these states; none: in any.
SELECT /*node*/, work.task_id::text AS task_id
FROM
    workflow_nodes AS node
    LEFT JOIN LATERAL (
        SELECT task_id FROM workflow_tasks AS work
        WHERE work.workflow_id = node.workflow_id AND work.node = node.node AND work.item = -1
        OFFSET 0
    ) AS work ON true
WHERE node.workflow_id = ANY ($1::uuid[]) AND (cardinality($2::text[]) = 0 OR node.status = ANY ($2::text[]))
