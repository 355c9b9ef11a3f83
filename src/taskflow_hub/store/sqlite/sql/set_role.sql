UPDATE account_users SET role = ? WHERE id = ?
