SELECT json_array(account_users.id, account_users.account_id, account_users.email, account_users.role, account_users.created_at)
FROM logins CROSS JOIN account_users ON account_users.id = logins.user_id
WHERE logins.id = ? AND logins.expires_at > ?
