-- queued → running: the owner is written with the lease. The rows were read in this very transaction, so they are as they were.
WITH clock (now) AS (VALUES (?)),
item (place, worker) AS (VALUES /*items*/ (?, ?))
UPDATE tasks
SET
    status = 'running', attempt = attempt + 1, worker = item.worker, leased_at = clock.now, taken = 'unknown', missing = 0,
    hold = NULL, progress = NULL, rev = rev + 1
FROM item, clock
WHERE tasks.rowid = item.place
