-- The nodes of a workflow as people see them, each with the one task, or sub-workflow, that is its work. $2: of results no more octets
-- than these; others are withheld, and so are those outside the store; $3: none of the tasks can have finished before. `rev`: the
-- workflow's, at the same moment.
SELECT
    node, status, total, left_items, failed, cancelled, started_at, finished_at, error, task_id, workflow_id, work_status,
    work_started_at, CASE WHEN NOT heavy THEN result END AS result, outside OR (heavy AND result IS NOT NULL) AS withheld, work_error,
    (SELECT rev FROM workflows WHERE id = $1::uuid) AS rev
FROM (
    SELECT
        node.node, node.status, node.total, node.left_items, node.failed, node.cancelled, node.started_at, node.finished_at, node.error,
        work.task_id::text AS task_id, sub.id::text AS workflow_id, coalesce(live.status, done.status) AS work_status,
        coalesce(live.started_at, done.started_at) AS work_started_at, coalesce(done.result, sub.result) AS result,
        coalesce(sum(octet_length(coalesce(done.result, sub.result))) OVER (ORDER BY node.node) > $2::bigint, false) AS heavy,
        done.result_ref IS NOT NULL AS outside, coalesce(live.error, done.error, sub.error) AS work_error
    FROM
        workflow_nodes AS node
        LEFT JOIN LATERAL (
            SELECT task_id FROM workflow_tasks AS work
            WHERE work.workflow_id = node.workflow_id AND work.node = node.node AND work.item = -1
            OFFSET 0
        ) AS work ON true
        LEFT JOIN tasks AS live ON live.id = ANY (ARRAY[work.task_id])
        LEFT JOIN LATERAL (
            SELECT * FROM finished_tasks AS task WHERE task.id = work.task_id AND task.finished_at >= $3::timestamptz OFFSET 0
        ) AS done ON true
        LEFT JOIN LATERAL (
            SELECT * FROM workflows AS sub
            WHERE sub.parent_id = node.workflow_id AND sub.parent_node = node.node AND sub.item IS NULL
            OFFSET 0
        ) AS sub ON true
    WHERE node.workflow_id = $1::uuid
) AS look
