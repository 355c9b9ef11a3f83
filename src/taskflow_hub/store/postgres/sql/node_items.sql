-- What became of a node's tasks, or sub-workflows, after an item; $4: in these states (none: in any); $6: of results no more octets than
-- these, but for the first; $7: none of the tasks can have finished before. `found`: how many there were before the octets ran out.
WITH item AS MATERIALIZED (
    SELECT * FROM (
        SELECT
            work.item, work.task_id::text AS task_id, NULL::text AS workflow_id, coalesce(live.status, done.status) AS status,
            coalesce(live.started_at, done.started_at) AS started_at, done.finished_at, done.result, done.result_ref,
            coalesce(live.error, done.error) AS error
        FROM
            workflow_tasks AS work
            LEFT JOIN tasks AS live ON live.id = work.task_id
            LEFT JOIN LATERAL (
                SELECT * FROM finished_tasks AS task WHERE task.id = work.task_id AND task.finished_at >= $7::timestamptz OFFSET 0
            ) AS done ON true
        WHERE work.workflow_id = $1::uuid AND work.node = $2::text AND work.item > $3::integer
        UNION ALL
        SELECT coalesce(item, -1), NULL, id::text, status, created_at, finished_at, result, NULL, error
        FROM workflows
        WHERE parent_id = $1::uuid AND parent_node = $2::text AND coalesce(item, -1) > $3::integer
    ) AS item
    WHERE status IS NOT NULL AND (cardinality($4::text[]) = 0 OR status = ANY ($4::text[]))
    ORDER BY item
    LIMIT $5::integer + 1
),
weighed AS (
    SELECT
        item.*, count(*) OVER () AS found,
        coalesce(sum(octet_length(result)) OVER (ORDER BY item.item ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
    FROM item
)
SELECT item, task_id, workflow_id, status, started_at, finished_at, result, result_ref, error, found
FROM weighed
WHERE before < $6::bigint
ORDER BY item
LIMIT $5::integer
