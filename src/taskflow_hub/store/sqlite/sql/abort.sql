-- running → cancelled. `ended_by` is the report that came: with a cancel request standing, other moves end here too.
WITH clock (now) AS (VALUES (?)),
item (id, ran_us, error, ended_by) AS (VALUES /*items*/ (?, ?, ?, ?))
UPDATE tasks
SET
    status = 'cancelled', finished_at = clock.now, started_at = coalesce(tasks.started_at, max(tasks.leased_at, clock.now - item.ran_us)),
    error = coalesce(item.error, tasks.error), outcome = 'aborted', ended_by = item.ended_by, taken = NULL, rev = rev + 1
FROM item, clock
WHERE tasks.id = item.id
