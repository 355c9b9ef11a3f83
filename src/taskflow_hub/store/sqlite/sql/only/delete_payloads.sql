DELETE FROM payloads WHERE task_id IN (SELECT value FROM json_each(?))
