-- What a heartbeat says of running attempts. Only the first start is seen from outside, so only that raises `rev`.
WITH item (id, taken, missing, started_at) AS (VALUES /*items*/ (?, ?, ?, ?))
UPDATE tasks
SET
    taken = item.taken, missing = item.missing,
    rev = rev + (tasks.started_at IS NULL AND item.started_at IS NOT NULL),
    started_at = coalesce(tasks.started_at, item.started_at)
FROM item
WHERE tasks.id = item.id
