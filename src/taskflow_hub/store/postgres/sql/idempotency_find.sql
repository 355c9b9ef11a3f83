-- What was answered before. A second statement after the claim: it sees what those had committed whom the claim waited for.
SELECT account_id, route, key, fingerprint, answer
FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted (account_id, route, key)
JOIN idempotency_keys USING (account_id, route, key)
