api_keys.id, api_keys.account_id, api_keys.user_id, api_keys.name, api_keys.scopes, api_keys.queues,
api_keys.created_at, api_keys.expires_at, api_keys.last_used_at, api_keys.revoked_at
