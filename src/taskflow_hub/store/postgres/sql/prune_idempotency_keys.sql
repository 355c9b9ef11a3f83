-- A key whose time is over. Whoever is just using one again is not waited for: then it is not over.
DELETE FROM idempotency_keys
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency_keys
    WHERE expires_at <= coalesce($1::timestamptz, now())
    ORDER BY expires_at
    LIMIT $2::bigint
    FOR UPDATE SKIP LOCKED
))
