INSERT INTO api_keys (id, account_id, user_id, name, digest, scopes, queues, created_at, expires_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
