-- Which of these ids exist, live or finished.
SELECT json_group_array(item.value)
FROM json_each(?) AS item
WHERE
    EXISTS (SELECT 1 FROM tasks WHERE tasks.id = item.value)
    OR EXISTS (SELECT 1 FROM finished_tasks WHERE finished_tasks.id = item.value)
