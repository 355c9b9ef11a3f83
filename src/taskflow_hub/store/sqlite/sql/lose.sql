-- running → queued with its old `seq`: the front of the line. Nothing counts once the owner's process has come back (take_back.sql).
WITH item (id, crashed, undelivered, error) AS (VALUES /*items*/ (?, ?, ?, ?))
UPDATE tasks
SET
    status = 'queued', crashes = crashes + (item.crashed AND tasks.missing >= 0), transits = transits + item.undelivered,
    error = coalesce(item.error, tasks.error),
    started_at = NULL, worker = NULL, taken = NULL, leased_at = NULL, rev = rev + 1
FROM item
WHERE tasks.id = item.id
