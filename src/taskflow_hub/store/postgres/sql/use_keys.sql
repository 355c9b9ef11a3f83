-- Whoever has one in his hands is not waited for: he says nearly the same.
WITH free AS MATERIALIZED (
    SELECT id FROM api_keys WHERE id = ANY ($2::text[]) FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE api_keys SET last_used_at = coalesce($1::timestamptz, now())
FROM free
WHERE api_keys.id = ANY (ARRAY[free.id])
