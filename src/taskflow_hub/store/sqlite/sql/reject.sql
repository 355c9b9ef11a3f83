-- blocked → failed, for what a task's payload refers to is not there.
WITH clock (now, signature) AS (VALUES (?, ?)),
item (id, error) AS (VALUES /*items*/ (?, ?))
UPDATE tasks
SET status = 'failed', reason = 'reference', fingerprint = fingerprint(tasks.type, clock.signature), error = item.error, finished_at = clock.now, rev = rev + 1
FROM item, clock
WHERE tasks.id = item.id AND tasks.status = 'blocked'
