SELECT /*key*/ FROM api_keys
WHERE digest = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > coalesce($1::timestamptz, now()))
