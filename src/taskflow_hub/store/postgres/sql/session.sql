SELECT /*user*/ FROM logins JOIN account_users ON account_users.id = ANY (ARRAY[logins.user_id])
WHERE logins.id = $2 AND logins.expires_at > coalesce($1::timestamptz, now())
