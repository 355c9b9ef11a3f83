-- The first ready tasks of one line from a place on, locked for this lease; past those that another process is just taking. What
-- has expired is left for expire.sql.
SELECT task.id::text AS id, task.queue, task.type, task.priority, task.seq, task.crashes, task.octets,
    CASE WHEN task.limits IS NOT NULL THEN task.account_id END AS account_id, task.limits
FROM tasks AS task
WHERE
    task.queue = $2::text AND task.type = $3::text AND task.priority = $4::smallint AND task.seq >= $5::bigint
    AND task.status = 'queued' AND task.hold IS NULL
    AND (task.expires_at IS NULL OR task.expires_at > coalesce($1::timestamptz, now()))
ORDER BY task.seq
LIMIT $6::integer
FOR UPDATE OF task SKIP LOCKED
