INSERT INTO task_tags (account_id, tag, task_id)
SELECT * FROM (VALUES /*items*/ (?, ?, ?))
WHERE column1 IS NOT NULL
ON CONFLICT DO NOTHING
