-- Oldest first.
SELECT json_group_array(json_array(
    id, account_id, action, json(filter), status, total, done, skipped, created_at, finished_at, cursor
))
FROM (SELECT * FROM bulks WHERE status = 'running' ORDER BY created_at, id)
