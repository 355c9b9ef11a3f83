-- What was revoked before stays as it was; the key, if there is one, and whether it was.
WITH found AS MATERIALIZED (
    SELECT id AS found_id, revoked_at IS NOT NULL AS before FROM api_keys
    WHERE id = $2 AND ($3::text IS NULL OR account_id = $3)
    FOR UPDATE
)
UPDATE api_keys SET revoked_at = coalesce(revoked_at, $1::timestamptz, now())
FROM found
WHERE id = ANY (ARRAY[found_id])
RETURNING /*key*/, before
