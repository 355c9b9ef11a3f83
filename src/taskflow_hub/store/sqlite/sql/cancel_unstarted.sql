-- scheduled, blocked, queued → cancelled; finish.sql moves them.
WITH clock (now) AS (VALUES (?))
UPDATE tasks
SET status = 'cancelled', finished_at = clock.now, hold = NULL, rev = rev + 1
FROM clock
WHERE id IN (SELECT value FROM json_each(?)) AND status IN ('scheduled', 'blocked', 'queued')
