-- running → failed. A standing cancel request does not stop it.
WITH clock (now) AS (VALUES (?)),
item (id, ran_us, reason, error, outcome, ended_by, crashed, signature) AS (VALUES /*items*/ (?, ?, ?, ?, ?, ?, ?, ?))
UPDATE tasks
SET
    status = 'failed', finished_at = clock.now,
    -- Both are late, the listing by up to a heartbeat and the end by its commit: the earlier is nearer the truth.
    started_at = min(
        coalesce(tasks.started_at, max(tasks.leased_at, clock.now - item.ran_us)),
        coalesce(max(tasks.leased_at, clock.now - item.ran_us), tasks.started_at)
    ),
    reason = item.reason, error = item.error, outcome = item.outcome, ended_by = item.ended_by,
    fingerprint = fingerprint(tasks.type, item.signature),
    crashes = crashes + item.crashed, taken = NULL, rev = rev + 1
FROM item, clock
WHERE tasks.id = item.id
