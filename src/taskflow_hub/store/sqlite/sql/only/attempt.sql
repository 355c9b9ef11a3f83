-- The row of an attempt that ends without ending its task; written before the task itself moves on. One that had not started has no
-- `started_at`.
WITH clock (now) AS (VALUES (?)),
item (id, ran_us, outcome, ended_by, error, crashed) AS (VALUES /*items*/ (?, ?, ?, ?, ?, ?))
INSERT INTO attempts (task_id, attempt, outcome, ended_by, started_at, ended_at, worker, error, crashed)
SELECT
    tasks.id, tasks.attempt, item.outcome, item.ended_by,
    min(
        coalesce(tasks.started_at, max(tasks.leased_at, clock.now - item.ran_us)),
        coalesce(max(tasks.leased_at, clock.now - item.ran_us), tasks.started_at)
    ),
    clock.now, tasks.worker, item.error,
    item.crashed AND tasks.missing >= 0
FROM item CROSS JOIN tasks ON tasks.id = item.id, clock
