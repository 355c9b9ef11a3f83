-- Those of these tasks that have ended, and in one of these states.
SELECT json_group_array(id) FROM finished_tasks
WHERE id IN (SELECT value FROM json_each(?)) AND status IN (SELECT value FROM json_each(?))
