-- Newest first: [how many there are, up to one more than wanted; the tasks]. The branches (search.py) give ids in order; only the rows
-- of the page are read whole. It is one answer, so it must not become too large: it ends with the task whose payload, result and
-- error reach the last limit.
WITH page (id) AS MATERIALIZED (
    SELECT id FROM (/*branches*/) ORDER BY id DESC LIMIT ?
),
weighed (id, octets, total) AS (
    SELECT id, octets, sum(octets) OVER (ROWS UNBOUNDED PRECEDING)
    FROM (
        SELECT
            page.id,
            payloads.octets
            + coalesce(length(cast(done.result AS BLOB)), 0)
            + coalesce(length(cast(coalesce(done.error, live.error) AS BLOB)), 0) AS octets
        FROM page
        CROSS JOIN payloads ON payloads.task_id = page.id
        LEFT JOIN finished_tasks AS done ON done.id = page.id
        LEFT JOIN tasks AS live ON live.id = page.id
    )
    LIMIT ?
),
light (id) AS MATERIALIZED (
    SELECT id FROM weighed WHERE total - octets < ?
)
SELECT cast('[' || (SELECT count(*) FROM page) || ',[' || coalesce(group_concat(row), '') || ']]' AS BLOB)
FROM (
    SELECT /*task*/ AS row FROM light CROSS JOIN tasks AS task ON task.id = light.id
    UNION ALL
    SELECT /*task*/ AS row FROM light CROSS JOIN finished_tasks AS task ON task.id = light.id
)
