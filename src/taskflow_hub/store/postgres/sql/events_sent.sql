SELECT count(*) FROM task_events WHERE task_id = $1::uuid
