UPDATE account_users SET password_hash = ? WHERE id = ? AND password_hash = coalesce(?, password_hash)
