-- These tasks go to sleep for these events.
INSERT INTO task_waits (task_id, event, attempt)
SELECT * FROM (VALUES /*items*/ (?, ?, ?))
WHERE column1 IS NOT NULL
ON CONFLICT DO UPDATE SET attempt = excluded.attempt
