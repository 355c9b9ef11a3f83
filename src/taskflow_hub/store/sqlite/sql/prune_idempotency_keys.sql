DELETE FROM idempotency_keys WHERE (account_id, route, key) IN (
    SELECT account_id, route, key FROM idempotency_keys INDEXED BY idempotency_keys_by_age WHERE expires_at <= ? LIMIT ?
)
