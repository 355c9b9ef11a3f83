SELECT 1 FROM tasks WHERE id = ? AND attempt = ? AND status = 'running'
