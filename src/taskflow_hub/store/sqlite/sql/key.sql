SELECT json_array(
    id, account_id, user_id, name, json(scopes), json(queues), created_at, expires_at, last_used_at, revoked_at
)
FROM api_keys
WHERE digest = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)
