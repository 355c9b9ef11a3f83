-- Only from the present generation on; whose it is.
UPDATE logins SET generation = generation + 1, expires_at = ?
WHERE id = ? AND generation = ? AND expires_at > ?
RETURNING user_id
