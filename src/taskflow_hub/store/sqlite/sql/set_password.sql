UPDATE account_users SET password_hash = ? WHERE id = ?
