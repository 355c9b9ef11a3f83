-- Back from the finished; the verb that asked for it then says what becomes of the row.
INSERT INTO tasks SELECT * FROM finished_tasks WHERE id IN (SELECT value FROM json_each(?))
