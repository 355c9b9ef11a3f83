-- skipped → blocked, after revive.sql has brought the row back.
UPDATE tasks
SET status = 'blocked', finished_at = NULL, rev = rev + 1
WHERE id IN (SELECT value FROM json_each(?)) AND status = 'skipped'
