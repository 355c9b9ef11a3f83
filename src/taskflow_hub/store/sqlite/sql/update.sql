-- Only while unstarted, and `run_at` only while scheduled: checked in this transaction, before. A queue that is named is no longer
-- waiting for the type's home; a hold says why the old queue could not be served.
WITH new (priority, run_at, queue) AS (VALUES (?, ?, ?))
UPDATE tasks
SET
    priority = coalesce(new.priority, tasks.priority), run_at = coalesce(new.run_at, tasks.run_at),
    queue = coalesce(new.queue, tasks.queue), unrouted = CASE WHEN new.queue IS NULL THEN unrouted ELSE 0 END,
    hold = CASE WHEN new.queue IS NULL THEN hold END, rev = rev + 1
FROM new
WHERE id = ?
