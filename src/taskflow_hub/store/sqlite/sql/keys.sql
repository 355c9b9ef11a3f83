-- Newest first; those of one account, or all.
SELECT json_group_array(json_array(
    id, account_id, user_id, name, json(scopes), json(queues), created_at, expires_at, last_used_at, revoked_at
))
FROM (
    SELECT * FROM api_keys WHERE account_id = ?
    UNION ALL
    SELECT * FROM api_keys WHERE ? IS NULL
    ORDER BY created_at DESC, id DESC
)
