-- The nodes of a workflow as people see them, each with the one task, or sub-workflow, that is its work. Of results no more octets than
-- are asked for; others are withheld, and so are those outside the store. The last number is the workflow's `rev`, at the same moment.
WITH asked (workflow_id, octets) AS (VALUES (?, ?)),
look AS (
    SELECT
        node.node, node.status, node.total, node.left_items, node.failed, node.cancelled, node.started_at, node.finished_at, node.error,
        work.task_id, sub.id AS workflow_id, coalesce(live.status, done.status) AS work_status,
        coalesce(live.started_at, done.started_at) AS work_started_at, coalesce(done.result, sub.result) AS result,
        done.result_ref IS NOT NULL AS outside,
        sum(length(CAST(coalesce(done.result, sub.result) AS BLOB))) OVER (ORDER BY node.node) AS weight,
        coalesce(live.error, done.error, sub.error) AS work_error
    FROM
        asked
        CROSS JOIN workflow_nodes AS node ON node.workflow_id = asked.workflow_id
        LEFT JOIN workflow_tasks AS work ON work.workflow_id = node.workflow_id AND work.node = node.node AND work.item = -1
        LEFT JOIN tasks AS live ON live.id = work.task_id
        LEFT JOIN finished_tasks AS done ON done.id = work.task_id
        LEFT JOIN workflows AS sub ON sub.parent_id = node.workflow_id AND sub.parent_node = node.node AND sub.item IS NULL
)
SELECT json_group_array(json_array(
    node, status, total, left_items, failed, cancelled, started_at, finished_at, json(error), task_id, look.workflow_id, work_status,
    work_started_at, CASE WHEN weight <= asked.octets THEN json('[' || result || ']') END,
    json(CASE WHEN outside OR weight > asked.octets AND result IS NOT NULL THEN 'true' ELSE 'false' END), json(work_error),
    (SELECT rev FROM workflows WHERE id = asked.workflow_id)
))
FROM look CROSS JOIN asked
