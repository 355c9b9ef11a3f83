INSERT INTO calls (task_id, number, answer) VALUES (?, ?, ?)
