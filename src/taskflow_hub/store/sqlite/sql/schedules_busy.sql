-- Which of them have a run that has not ended.
SELECT json_group_array(wanted.value) FROM json_each(?) AS wanted
WHERE
    EXISTS (SELECT 1 FROM tasks WHERE tasks.schedule_id = wanted.value)
    OR EXISTS (SELECT 1 FROM workflows WHERE workflows.schedule_id = wanted.value AND workflows.status = 'running')
