-- The row of an attempt that ends without ending its task. One that had not started has no `started_at`.
INSERT INTO attempts (task_id, attempt, outcome, ended_by, started_at, ended_at, worker, error, crashed)
SELECT id, attempt, outcome, ended_by, begun, clock.now, worker, error, crashed
FROM locked CROSS JOIN clock
WHERE NOT asked
