-- Which of them have a run that has not ended.
SELECT wanted.id
FROM unnest($1::text[]) AS wanted (id)
WHERE
    EXISTS (SELECT FROM tasks WHERE tasks.schedule_id = wanted.id OFFSET 0)
    OR EXISTS (SELECT FROM workflows WHERE workflows.schedule_id = wanted.id AND workflows.status = 'running' OFFSET 0)
