SELECT json_group_array(id) FROM (
    SELECT id FROM tasks INDEXED BY tasks_expiring
    WHERE expires_at IS NOT NULL AND status IN ('scheduled', 'blocked', 'queued') AND expires_at <= ?
    ORDER BY expires_at, rowid LIMIT ?
)
