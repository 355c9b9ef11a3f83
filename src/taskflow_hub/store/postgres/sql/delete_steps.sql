DELETE FROM task_steps WHERE task_id = ANY ($1::uuid[])
