-- running → failed. A standing cancel request does not stop it.
WITH clock (now) AS (VALUES (?)),
item (id, ran_us, reason, error, outcome, ended_by, crashed) AS (VALUES /*items*/ (?, ?, ?, ?, ?, ?, ?))
UPDATE tasks
SET
    status = 'failed', finished_at = clock.now, started_at = coalesce(tasks.started_at, max(tasks.leased_at, clock.now - item.ran_us)),
    reason = item.reason, error = item.error, outcome = item.outcome, ended_by = item.ended_by,
    crashes = crashes + item.crashed, taken = NULL, rev = rev + 1
FROM item, clock
WHERE tasks.id = item.id
