-- Workflows that begin now; some have ended already.
WITH clock (now) AS (VALUES (?)),
item (
    id, root_id, parent_id, parent_node, item, account_id, user_id, name, tags, status, path, traceparent, schedule_id, ending, left_nodes,
    broken, input, result, error, deadline_s, max_concurrency
) AS (
    VALUES /*items*/ (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
)
INSERT INTO workflows (
    id, root_id, parent_id, parent_node, item, account_id, user_id, name, tags, status, path, traceparent, schedule_id, ending,
    left_nodes, broken, input, result, error, created_at, deadline_at, finished_at, max_concurrency
)
SELECT
    item.id, item.root_id, item.parent_id, item.parent_node, item.item, item.account_id, item.user_id, item.name, item.tags, item.status,
    item.path, item.traceparent, item.schedule_id, item.ending, item.left_nodes, item.broken, item.input, item.result, item.error,
    clock.now, clock.now + CAST(round(item.deadline_s * 1000000) AS INTEGER), CASE WHEN item.status <> 'running' THEN clock.now END, item.max_concurrency
FROM item, clock
WHERE item.id IS NOT NULL
