-- scheduled, blocked, queued → failed.
WITH clock (now, signature) AS (VALUES (?, ?))
UPDATE tasks
SET status = 'failed', reason = 'expired', fingerprint = fingerprint(type, clock.signature), finished_at = clock.now, hold = NULL, rev = rev + 1
FROM clock
WHERE id IN (SELECT value FROM json_each(?)) AND status IN ('scheduled', 'blocked', 'queued')
