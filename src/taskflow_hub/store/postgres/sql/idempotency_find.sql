-- What was answered before. A second statement after the claim: it sees what those had committed whom the claim waited for.
SELECT kept.account_id, kept.route, kept.key, kept.fingerprint, kept.answer
FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted (account_id, route, key)
JOIN idempotency_keys AS kept
    ON kept.account_id = ANY (ARRAY[wanted.account_id]) AND kept.route = wanted.route AND kept.key = wanted.key
