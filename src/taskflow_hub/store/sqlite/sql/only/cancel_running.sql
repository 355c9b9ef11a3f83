-- A running task is asked, once; the worker hears of it and reports `aborted`. Those that are asked now.
WITH clock (now) AS (VALUES (?))
UPDATE tasks
SET cancel_requested_at = clock.now, rev = rev + 1
FROM clock
WHERE id IN (SELECT value FROM json_each(?)) AND status = 'running' AND cancel_requested_at IS NULL
RETURNING id, attempt, worker
