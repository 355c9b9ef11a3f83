-- Newest first; those of one account, or all.
SELECT /*key*/ FROM api_keys
WHERE $1::text IS NULL OR account_id = $1
ORDER BY created_at DESC, id COLLATE "C" DESC
