-- A page, oldest first, after one of them; of one account, or of all.
SELECT /*user*/ FROM account_users
WHERE ($1::text IS NULL OR account_id = $1) AND id COLLATE "C" > $2::text
ORDER BY id COLLATE "C"
LIMIT $3::integer
