DELETE FROM bulks
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM bulks
    WHERE finished_at < coalesce($1::timestamptz, now()) - $2::interval
    LIMIT $3::bigint
    FOR UPDATE SKIP LOCKED
))
