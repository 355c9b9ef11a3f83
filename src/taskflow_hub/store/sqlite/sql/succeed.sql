-- running → success. `started_at` rides along when no heartbeat has written it.
WITH clock (now) AS (VALUES (?)),
item (id, ran_us, result, result_ref) AS (VALUES /*items*/ (?, ?, ?, ?))
UPDATE tasks
SET
    status = 'success', finished_at = clock.now, started_at = coalesce(tasks.started_at, max(tasks.leased_at, clock.now - item.ran_us)),
    result = item.result, result_ref = item.result_ref, error = NULL,
    outcome = 'succeeded', ended_by = 'succeeded', taken = NULL, rev = rev + 1
FROM item, clock
WHERE tasks.id = item.id
