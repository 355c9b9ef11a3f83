INSERT INTO task_events (task_id, name, payload, sent_at) VALUES (?, ?, ?, ?)
