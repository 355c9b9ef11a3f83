SELECT /*user*/ FROM account_users WHERE id = $1
