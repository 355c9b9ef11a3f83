DELETE FROM rollups
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM rollups
    WHERE minute < coalesce($1::timestamptz, now()) - $2::interval
    ORDER BY minute
    LIMIT $3::bigint
    FOR UPDATE SKIP LOCKED
))
