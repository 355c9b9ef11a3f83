-- A full one need not be written down. Whoever just takes something is not waited for: then it is not full.
DELETE FROM buckets
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM buckets
    WHERE full_at <= coalesce($1::timestamptz, now())
    ORDER BY full_at
    LIMIT $2::bigint
    FOR UPDATE SKIP LOCKED
))
