-- A redriven task takes its key again; if it still stands there with its window, the window stays.
INSERT INTO unique_keys (account_id, type, key, task_id, until) VALUES (?, ?, ?, ?, 0)
ON CONFLICT DO UPDATE SET task_id = excluded.task_id, until = CASE WHEN task_id = excluded.task_id THEN until ELSE 0 END
