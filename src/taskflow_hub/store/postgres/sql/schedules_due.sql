-- The longest due first; what another process has in hand is passed over ($3: and these).
SELECT /*schedule*/, coalesce($1::timestamptz, now()) AS now
FROM schedules
WHERE next_at <= coalesce($1::timestamptz, now()) AND paused_at IS NULL AND id <> ALL ($3::uuid[])
ORDER BY next_at, id
LIMIT $2::bigint
FOR UPDATE SKIP LOCKED
