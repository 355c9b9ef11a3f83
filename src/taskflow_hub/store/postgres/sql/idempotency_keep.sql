-- Keys that were claimed, with what is to be answered in truth.
UPDATE idempotency_keys AS kept
SET fingerprint = wanted.fingerprint, answer = wanted.answer, expires_at = wanted.expires_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
    AS wanted (account_id, route, key, fingerprint, answer, expires_at)
WHERE kept.account_id = ANY (ARRAY[wanted.account_id]) AND kept.route = wanted.route AND kept.key = wanted.key
