-- running → success. `started_at` rides along when no heartbeat has written it.
WITH clock (now) AS (VALUES (?)),
item (id, ran_us, result, result_ref) AS (VALUES /*items*/ (?, ?, ?, ?))
UPDATE tasks
SET
    status = 'success', finished_at = clock.now,
    -- Both are late, the listing by up to a heartbeat and the end by its commit: the earlier is nearer the truth.
    started_at = min(
        coalesce(tasks.started_at, max(tasks.leased_at, clock.now - item.ran_us)),
        coalesce(max(tasks.leased_at, clock.now - item.ran_us), tasks.started_at)
    ),
    result = item.result, result_ref = item.result_ref, error = NULL,
    outcome = 'succeeded', ended_by = 'succeeded', taken = NULL, rev = rev + 1
FROM item, clock
WHERE tasks.id = item.id
