-- Lock these tasks, which limits held back and let start now, as far as nobody else is just taking them. By their ids alone, as in
-- only/lease_take.sql.
WITH task AS MATERIALIZED (
    SELECT id, queue, type, priority, seq, crashes, octets, account_id, limits, status, hold, expires_at
    FROM tasks
    WHERE id = ANY ($2::uuid[])
    FOR UPDATE SKIP LOCKED
)
SELECT id::text AS id, queue, type, priority, seq, crashes, octets, account_id, limits
FROM task
WHERE status = 'queued' AND hold <> 'no_worker' AND (expires_at IS NULL OR expires_at > coalesce($1::timestamptz, now()))
