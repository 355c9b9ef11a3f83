SELECT json_array(fingerprint, json(answer)) FROM idempotency_keys
WHERE account_id = ? AND route = ? AND key = ? AND expires_at > ?
