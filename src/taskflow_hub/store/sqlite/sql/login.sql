-- [the user, the hash of the password].
SELECT json_array(json_array(id, account_id, email, role, created_at), password_hash) FROM account_users WHERE address = ?
