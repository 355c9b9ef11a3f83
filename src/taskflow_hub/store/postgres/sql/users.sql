-- Oldest first; those of one account, or all.
SELECT /*user*/ FROM account_users
WHERE $1::text IS NULL OR account_id = $1
ORDER BY created_at, id COLLATE "C"
