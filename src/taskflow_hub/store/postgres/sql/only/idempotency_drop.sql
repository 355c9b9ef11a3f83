-- Claimed, but what was asked for is refused: a refusal leaves its key free.
DELETE FROM idempotency_keys AS kept
USING unnest($1::text[], $2::text[], $3::text[]) AS wanted (account_id, route, key)
WHERE kept.account_id = ANY (ARRAY[wanted.account_id]) AND kept.route = wanted.route AND kept.key = wanted.key
