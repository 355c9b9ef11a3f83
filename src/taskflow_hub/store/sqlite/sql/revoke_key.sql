-- What was revoked before stays as it was; the key, if there is one.
UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ? AND account_id = coalesce(?, account_id)
RETURNING json_array(
    id, account_id, user_id, name, json(scopes), json(queues), created_at, expires_at, last_used_at, revoked_at
)
