-- What became of a node's tasks, or sub-workflows, after an item, in some states (none: in any), and of results no more octets than are
-- asked for, but for the first. The last number: how many there were before the octets ran out.
WITH asked (workflow_id, node, after, states, most, octets) AS (VALUES (?, ?, ?, ?, ?, ?)),
item AS MATERIALIZED (
    SELECT all_items.* FROM (
        SELECT
            work.item, work.task_id, NULL AS workflow_id, coalesce(live.status, done.status) AS status,
            coalesce(live.started_at, done.started_at) AS started_at, done.finished_at, done.result, done.result_ref,
            coalesce(live.error, done.error) AS error
        FROM
            asked
            CROSS JOIN workflow_tasks AS work
                ON work.workflow_id = asked.workflow_id AND work.node = asked.node AND work.item > asked.after
            LEFT JOIN tasks AS live ON live.id = work.task_id
            LEFT JOIN finished_tasks AS done ON done.id = work.task_id
        UNION ALL
        SELECT coalesce(sub.item, -1), NULL, sub.id, sub.status, sub.created_at, sub.finished_at, sub.result, NULL, sub.error
        FROM
            asked
            CROSS JOIN workflows AS sub
                ON sub.parent_id = asked.workflow_id AND sub.parent_node = asked.node AND coalesce(sub.item, -1) > asked.after
    ) AS all_items
    WHERE
        status IS NOT NULL
        AND (
            (SELECT states FROM asked) = '[]'
            OR status IN (SELECT state.value FROM asked CROSS JOIN json_each(asked.states) AS state)
        )
    ORDER BY item
    LIMIT (SELECT most FROM asked) + 1
),
weighed AS (
    SELECT
        item.*, count(*) OVER () AS found,
        coalesce(
            sum(length(CAST(result AS BLOB))) OVER (ORDER BY item ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0
        ) AS before
    FROM item
)
SELECT json_group_array(json_array(
    item, task_id, workflow_id, status, started_at, finished_at, json('[' || result || ']'), json(result_ref), json(error), found
))
FROM (
    SELECT weighed.* FROM weighed CROSS JOIN asked WHERE weighed.before < asked.octets ORDER BY item LIMIT (SELECT most FROM asked)
)
