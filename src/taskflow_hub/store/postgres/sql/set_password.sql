UPDATE account_users SET password_hash = $2 WHERE id = $1 AND password_hash = coalesce($3::text, password_hash) RETURNING /*user*/
