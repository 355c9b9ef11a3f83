-- As list.sql, but only what one line of a list says, so nothing need be weighed: [id, status, created at, is a cancel asked].
WITH page (id) AS MATERIALIZED (
    SELECT id FROM (/*branches*/) ORDER BY id DESC LIMIT ?
)
SELECT json_group_array(json_array(id, status, created_at, cancel_requested_at IS NOT NULL))
FROM (
    SELECT task.id, status, created_at, cancel_requested_at FROM page CROSS JOIN tasks AS task ON task.id = page.id
    UNION ALL
    SELECT task.id, status, created_at, cancel_requested_at FROM page CROSS JOIN finished_tasks AS task ON task.id = page.id
)
