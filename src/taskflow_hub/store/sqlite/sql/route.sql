-- Tasks that were submitted without a queue before anybody had registered their type go to its home.
WITH home (queue) AS (VALUES (?))
UPDATE tasks
SET queue = home.queue, unrouted = 0, rev = rev + (tasks.queue <> home.queue)
FROM home
WHERE tasks.rowid IN (
    SELECT rowid FROM tasks INDEXED BY tasks_unrouted WHERE unrouted = 1 AND type = ?
) AND status IN ('scheduled', 'blocked', 'queued')
