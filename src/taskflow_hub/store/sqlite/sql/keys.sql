-- A page, newest first, before one of them; of one account, or of all.
SELECT json_group_array(json_array(
    id, account_id, user_id, name, json(scopes), json(queues), created_at, expires_at, last_used_at, revoked_at
))
FROM (
    SELECT * FROM api_keys WHERE account_id = ? AND id < ?
    UNION ALL
    SELECT * FROM api_keys WHERE ? IS NULL AND id < ?
    ORDER BY id DESC
    LIMIT ?
)
