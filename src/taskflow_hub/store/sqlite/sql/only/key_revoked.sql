-- Whether it was revoked before.
SELECT revoked_at IS NOT NULL FROM api_keys WHERE id = ?
