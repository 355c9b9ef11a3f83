-- Does the attempt own its task, and what did this call answer before?
SELECT json_array(
    EXISTS (SELECT 1 FROM tasks WHERE id = call.task_id AND attempt = call.attempt AND status = 'running'),
    json((SELECT answer FROM calls WHERE calls.task_id = call.task_id AND calls.number = call.number))
)
FROM (SELECT ? AS task_id, ? AS attempt, ? AS number) AS call
