INSERT INTO bulks (id, account_id, action, filter, status, total, created_at) VALUES (?, ?, ?, ?, 'running', ?, ?)
ON CONFLICT DO NOTHING
