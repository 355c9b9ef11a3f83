DELETE FROM task_events WHERE task_id IN (SELECT value FROM json_each(?))
