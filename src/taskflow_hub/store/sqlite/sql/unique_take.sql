INSERT INTO unique_keys (account_id, type, key, task_id, until) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET task_id = excluded.task_id, until = excluded.until
