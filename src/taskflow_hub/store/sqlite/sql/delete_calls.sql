DELETE FROM calls WHERE task_id IN (SELECT value FROM json_each(?))
