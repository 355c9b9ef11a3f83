-- Those of these tasks that have not ended, and were not asked to: [id, status, attempt, owner].
SELECT json_group_array(json_array(id, status, attempt, worker)) FROM tasks
WHERE id IN (SELECT value FROM json_each(?)) AND cancel_requested_at IS NULL
