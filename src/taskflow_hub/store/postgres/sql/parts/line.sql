-- The ready tasks of one account in one line from a place on. What has expired is left for expire.sql.
task.queue = $2::text AND task.type = $3::text AND task.priority = $4::smallint AND task.account_id = $5::text
AND task.seq >= $6::bigint
AND task.status = 'queued' AND task.hold IS NULL
AND (task.expires_at IS NULL OR task.expires_at > coalesce($1::timestamptz, now()))
