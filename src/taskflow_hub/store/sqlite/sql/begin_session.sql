INSERT INTO logins (id, user_id, generation, created_at, expires_at)
SELECT ?, id, 1, ?, ? FROM account_users WHERE id = ? AND password_hash = coalesce(?, password_hash)
