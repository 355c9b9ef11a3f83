-- Workflows of which anything has changed.
WITH clock (now) AS (VALUES (?)),
item (id, status, ending, left_nodes, broken, result, error, deadline_s) AS (VALUES /*items*/ (?, ?, ?, ?, ?, ?, ?, ?))
UPDATE workflows
SET
    status = item.status, ending = item.ending, left_nodes = item.left_nodes, broken = item.broken, result = item.result,
    error = item.error, rev = workflows.rev + 1,
    finished_at = CASE WHEN item.status <> 'running' THEN clock.now END,
    cancel_requested_at = CASE WHEN item.ending = 'cancel' THEN coalesce(workflows.cancel_requested_at, clock.now) END,
    deadline_at = coalesce(clock.now + CAST(round(item.deadline_s * 1000000) AS INTEGER), workflows.deadline_at)
FROM item, clock
WHERE workflows.id = item.id
