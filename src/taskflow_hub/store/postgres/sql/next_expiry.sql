-- In how many seconds the next one expires.
SELECT extract(epoch FROM min(expires_at) - coalesce($1::timestamptz, now()))::double precision
FROM tasks
WHERE expires_at IS NOT NULL AND status IN ('scheduled', 'blocked', 'queued')
