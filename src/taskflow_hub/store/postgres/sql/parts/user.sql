account_users.id, account_users.account_id, account_users.email, account_users.role, account_users.created_at
