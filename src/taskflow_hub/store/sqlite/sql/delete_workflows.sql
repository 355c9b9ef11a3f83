DELETE FROM workflows WHERE id IN (SELECT value FROM json_each(?))
