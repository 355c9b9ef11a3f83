SELECT attempt = $2::integer AND status = 'running' FROM tasks WHERE id = $1::uuid
