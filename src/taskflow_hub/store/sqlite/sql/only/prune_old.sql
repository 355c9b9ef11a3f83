-- Finished tasks past their outcome's retention, oldest first: [id, does its result lie outside the store].
SELECT json_group_array(json_array(id, outside)) FROM (
    SELECT id, result_ref IS NOT NULL AS outside FROM finished_tasks INDEXED BY finished_by_age
    WHERE status = ? AND finished_at < ?
    ORDER BY finished_at LIMIT ?
)
