-- A row that has run out but was not pruned yet is taken over.
INSERT INTO idempotency_keys (account_id, route, key, fingerprint, answer, expires_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET fingerprint = excluded.fingerprint, answer = excluded.answer, expires_at = excluded.expires_at
