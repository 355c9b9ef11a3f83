SELECT min(expires_at) FROM tasks INDEXED BY tasks_expiring
WHERE expires_at IS NOT NULL AND status IN ('scheduled', 'blocked', 'queued')
