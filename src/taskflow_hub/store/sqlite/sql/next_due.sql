SELECT min(run_at) FROM tasks INDEXED BY tasks_scheduled WHERE status = 'scheduled'
