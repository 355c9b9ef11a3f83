-- When finished tasks had started.
SELECT json_group_array(json_array(finished_tasks.id, finished_tasks.started_at))
FROM json_each(?) AS item CROSS JOIN finished_tasks ON finished_tasks.id = item.value
