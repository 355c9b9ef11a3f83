-- The attempt that ended the task gets its row before the task forgets. No attempt, no row.
INSERT INTO attempts (task_id, attempt, outcome, ended_by, started_at, ended_at, worker, error)
SELECT id, attempt, outcome, ended_by, started_at, finished_at, worker, error
FROM finished_tasks
WHERE id IN (SELECT value FROM json_each(?)) AND outcome IS NOT NULL
