DELETE FROM task_waits WHERE task_id = ANY ($1::uuid[])
