-- A page, newest first, before one of them; of one account, or of all.
SELECT /*key*/ FROM api_keys
WHERE ($1::text IS NULL OR account_id = $1) AND id COLLATE "C" < $2::text
ORDER BY id COLLATE "C" DESC
LIMIT $3::integer
