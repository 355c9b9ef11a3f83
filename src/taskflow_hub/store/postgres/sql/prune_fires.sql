-- But for what waits.
DELETE FROM schedule_fires
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM schedule_fires
    WHERE decided_at < coalesce($1::timestamptz, now()) - $2::interval AND outcome <> 'waiting'
    LIMIT $3::bigint
    FOR UPDATE SKIP LOCKED
))
