-- One pass over each partial index: the table itself may be large and nearly empty after a rush.
SELECT queue, type, 'queued' AS status, NULL::text AS hold, count(*) AS count, min(created_at) AS oldest
FROM tasks WHERE status = 'queued' AND hold IS NULL AND account_id = coalesce($1, account_id)
GROUP BY queue, type
UNION ALL
SELECT queue, type, 'queued', hold, count(*), min(created_at)
FROM tasks WHERE status = 'queued' AND hold IS NOT NULL AND account_id = coalesce($1, account_id)
GROUP BY queue, type, hold
UNION ALL
SELECT queue, type, 'running', NULL, count(*), min(created_at)
FROM tasks WHERE status = 'running' AND account_id = coalesce($1, account_id)
GROUP BY queue, type
UNION ALL
SELECT queue, type, 'scheduled', NULL, count(*), min(created_at)
FROM tasks WHERE status = 'scheduled' AND account_id = coalesce($1, account_id)
GROUP BY queue, type
UNION ALL
SELECT queue, type, 'blocked', NULL, count(*), min(created_at)
FROM tasks WHERE status = 'blocked' AND account_id = coalesce($1, account_id)
GROUP BY queue, type
