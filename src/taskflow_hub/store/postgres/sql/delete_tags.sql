DELETE FROM task_tags WHERE task_id = ANY ($1::uuid[])
