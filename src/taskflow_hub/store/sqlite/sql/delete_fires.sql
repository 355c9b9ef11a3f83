DELETE FROM schedule_fires WHERE schedule_id = ? AND planned_at IN (SELECT value FROM json_each(?))
