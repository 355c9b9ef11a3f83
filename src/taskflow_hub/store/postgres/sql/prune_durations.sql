DELETE FROM durations
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM durations
    WHERE step_s + 0 = $4::integer AND at < coalesce($1::timestamptz, now()) - $2::interval
    ORDER BY at
    LIMIT $3::bigint
    FOR UPDATE SKIP LOCKED
))
