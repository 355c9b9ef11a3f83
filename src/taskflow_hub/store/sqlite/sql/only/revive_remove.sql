DELETE FROM finished_tasks WHERE id IN (SELECT value FROM json_each(?))
