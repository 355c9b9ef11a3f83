DELETE FROM task_waits WHERE task_id IN (SELECT value FROM json_each(?))
