-- What was revoked before stays as it was; the key, if there is one.
UPDATE api_keys SET revoked_at = coalesce(revoked_at, $1::timestamptz, now())
WHERE id = $2 AND ($3::text IS NULL OR account_id = $3)
RETURNING /*key*/
