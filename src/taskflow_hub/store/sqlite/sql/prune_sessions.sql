DELETE FROM logins WHERE id IN (SELECT id FROM logins INDEXED BY logins_by_age WHERE expires_at <= ? LIMIT ?)
