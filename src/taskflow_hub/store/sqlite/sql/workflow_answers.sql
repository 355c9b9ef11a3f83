-- What the tasks and the sub-workflows of some nodes ended with. Results of one node that have more octets together than are asked for
-- are not read.
WITH asked (workflow_id, nodes, octets) AS (VALUES (?, ?, ?)),
answer AS MATERIALIZED (
    SELECT work.node, work.item, task.status, task.result, task.result_ref IS NOT NULL AS outside, task.error
    FROM
        asked
        CROSS JOIN json_each(asked.nodes) AS name
        CROSS JOIN workflow_tasks AS work
            ON work.workflow_id = asked.workflow_id AND work.node = name.value AND work.item >= -1
        CROSS JOIN finished_tasks AS task ON task.id = work.task_id
    UNION ALL
    SELECT sub.parent_node, coalesce(sub.item, -1), sub.status, sub.result, 0, sub.error
    FROM
        asked
        CROSS JOIN json_each(asked.nodes) AS name
        CROSS JOIN workflows AS sub ON sub.parent_id = asked.workflow_id AND sub.parent_node = name.value
),
weighed AS (
    SELECT *, coalesce(sum(length(CAST(result AS BLOB))) OVER (PARTITION BY node), 0) > (SELECT octets FROM asked) AS heavy FROM answer
)
SELECT json_group_array(json_array(
    node, item, status, CASE WHEN NOT heavy THEN json('[' || result || ']') END,
    json(CASE WHEN outside OR (heavy AND result IS NOT NULL) THEN 'true' ELSE 'false' END), json(error)
))
FROM (SELECT * FROM weighed ORDER BY node, item)
