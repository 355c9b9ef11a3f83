-- What became of a node's tasks, or sub-workflows, after an item; $4: in these states (none: in any); $6: of results no more octets than
-- these, but for the first; $7: none of the tasks can have finished before. `found`: how many there were before the octets ran out.
WITH item AS MATERIALIZED (
    SELECT * FROM (
        (
            SELECT
                work.item, work.task_id::text AS task_id, NULL::text AS workflow_id, task.status, task.started_at, task.finished_at,
                task.result, task.result_ref, task.error
            FROM
                (
                    SELECT item, task_id FROM workflow_tasks
                    WHERE workflow_id = $1::uuid AND node = $2::text AND item > $3::integer
                    ORDER BY item
                ) AS work
                CROSS JOIN LATERAL (
                    SELECT
                        status, started_at, NULL::timestamptz AS finished_at, NULL::text AS result, NULL::text AS result_ref, error
                    FROM tasks WHERE tasks.id = work.task_id
                    UNION ALL
                    SELECT status, started_at, finished_at, result, result_ref, error
                    FROM finished_tasks WHERE finished_tasks.id = work.task_id AND finished_tasks.finished_at >= $7::timestamptz
                    LIMIT 1
                ) AS task
            WHERE cardinality($4::text[]) = 0 OR task.status = ANY ($4::text[])
            ORDER BY work.item
            LIMIT $5::integer + 1
        )
        UNION ALL
        (
            SELECT coalesce(item, -1), NULL, id::text, status, created_at, finished_at, result, NULL, error
            FROM workflows
            WHERE
                parent_id = $1::uuid AND parent_node = $2::text AND coalesce(item, -1) > $3::integer
                AND (cardinality($4::text[]) = 0 OR status = ANY ($4::text[]))
        )
    ) AS item
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
