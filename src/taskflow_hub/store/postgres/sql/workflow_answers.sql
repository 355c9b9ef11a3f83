-- What the tasks and the sub-workflows of some nodes ended with. $4: results of one node that have more octets together are
-- not read; $5: none of the tasks can have finished before. Nor in an hour, so that days to come need not be looked at.
WITH answer AS MATERIALIZED (
    SELECT work.node, work.item, task.status, task.result, task.result_ref IS NOT NULL AS outside, task.error
    FROM
        workflow_tasks AS work
        CROSS JOIN LATERAL (
            SELECT * FROM finished_tasks AS task
            WHERE
                task.id = work.task_id AND task.finished_at >= $5::timestamptz
                AND task.finished_at < coalesce($1::timestamptz, statement_timestamp()) + interval '1 hour'
            OFFSET 0
        ) AS task
    WHERE work.workflow_id = $2::uuid AND work.node = ANY ($3::text[]) AND work.item >= -1
    UNION ALL
    SELECT parent_node, coalesce(item, -1), status, result, false, error
    FROM workflows
    WHERE parent_id = $2::uuid AND parent_node = ANY ($3::text[])
),
weighed AS (SELECT answer.*, sum(octet_length(result)) OVER (PARTITION BY answer.node) > $4::bigint AS heavy FROM answer)
SELECT
    node, item, status, CASE WHEN heavy THEN NULL ELSE result END AS result,
    outside OR coalesce(heavy AND result IS NOT NULL, false) AS withheld, error
FROM weighed
ORDER BY node, item
