UPDATE api_keys SET last_used_at = ? WHERE id IN (SELECT value FROM json_each(?))
