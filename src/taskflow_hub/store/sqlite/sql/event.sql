-- The first event of this name that the task was sent: [payload, sent at].
SELECT json_array(payload, sent_at) FROM task_events WHERE task_id = ? AND name = ?
