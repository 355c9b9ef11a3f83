-- running → cancelled. `ended_by` is the report that came: with a cancel request standing, other moves end here too.
WITH clock (now) AS (VALUES (?)),
item (id, ran_us, error, ended_by) AS (VALUES /*items*/ (?, ?, ?, ?))
UPDATE tasks
SET
    status = 'cancelled', finished_at = clock.now,
    -- Both are late, the listing by up to a heartbeat and the end by its commit: the earlier is nearer the truth.
    started_at = min(
        coalesce(tasks.started_at, max(tasks.leased_at, clock.now - item.ran_us)),
        coalesce(max(tasks.leased_at, clock.now - item.ran_us), tasks.started_at)
    ),
    error = coalesce(item.error, tasks.error), outcome = 'aborted', ended_by = item.ended_by, taken = NULL, rev = rev + 1
FROM item, clock
WHERE tasks.id = item.id
