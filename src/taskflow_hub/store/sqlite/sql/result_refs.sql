SELECT '[' || coalesce(group_concat(result_ref), '') || ']'
FROM finished_tasks
WHERE id IN (SELECT value FROM json_each(?)) AND result_ref IS NOT NULL
