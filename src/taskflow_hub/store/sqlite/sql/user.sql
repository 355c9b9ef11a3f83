SELECT json_array(id, account_id, email, role, created_at) FROM account_users WHERE id = ?
