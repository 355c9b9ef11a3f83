DELETE FROM log_lines WHERE task_id IN (SELECT value FROM json_each(?))
