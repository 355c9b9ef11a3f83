-- Whoever is just refreshing one is not waited for: then it is not over.
DELETE FROM logins
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM logins
    WHERE expires_at <= coalesce($1::timestamptz, now())
    ORDER BY expires_at
    LIMIT $2::bigint
    FOR UPDATE SKIP LOCKED
))
