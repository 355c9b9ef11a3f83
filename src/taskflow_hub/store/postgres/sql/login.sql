SELECT /*user*/, account_users.password_hash FROM account_users WHERE address = $1
