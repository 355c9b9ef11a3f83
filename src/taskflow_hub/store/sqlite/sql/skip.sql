-- blocked → skipped.
WITH clock (now) AS (VALUES (?))
UPDATE tasks
SET status = 'skipped', finished_at = clock.now, rev = rev + 1
FROM clock
WHERE id IN (SELECT value FROM json_each(?)) AND status = 'blocked'
