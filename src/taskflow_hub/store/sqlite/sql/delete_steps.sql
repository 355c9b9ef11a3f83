DELETE FROM task_steps WHERE task_id IN (SELECT value FROM json_each(?))
