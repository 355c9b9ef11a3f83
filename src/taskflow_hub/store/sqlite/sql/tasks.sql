-- Both tables in one statement, so that a finish in between hides nothing: [how many there are, the tasks]. As many of them as one
-- answer may carry: it ends with the task whose payload reaches the limit.
WITH weighed (id, octets, total) AS MATERIALIZED (
    SELECT value, octets, sum(octets) OVER (ROWS UNBOUNDED PRECEDING)
    FROM json_each(?) AS item CROSS JOIN payloads ON task_id = item.value
),
light (id) AS (
    SELECT id FROM weighed WHERE total - octets < ?
)
SELECT cast('[' || (SELECT count(*) FROM weighed) || ',[' || coalesce(group_concat(row), '') || ']]' AS BLOB)
FROM (
    SELECT /*task*/ AS row FROM light CROSS JOIN tasks AS task ON task.id = light.id
    UNION ALL
    SELECT /*task*/ AS row FROM light CROSS JOIN finished_tasks AS task ON task.id = light.id
)
