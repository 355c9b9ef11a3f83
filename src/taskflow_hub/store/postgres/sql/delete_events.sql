DELETE FROM task_events WHERE task_id = ANY ($1::uuid[])
