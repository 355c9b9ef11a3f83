UPDATE account_users SET password_hash = $2 WHERE id = $1 RETURNING /*user*/
