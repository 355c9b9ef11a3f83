SELECT document FROM task_types ORDER BY type COLLATE "C"
