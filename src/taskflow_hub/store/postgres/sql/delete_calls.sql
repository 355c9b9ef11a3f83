DELETE FROM calls WHERE task_id = ANY ($1::uuid[])
