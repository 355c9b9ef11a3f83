-- Lock these tasks for this lease, as far as nobody else is just taking them and they are still ready. Looked up by id alone: given
-- the other conditions, too, a planner without statistics walks the ready index instead.
WITH task AS MATERIALIZED (
    SELECT id, queue, type, priority, seq, crashes, octets, account_id, limits, status, hold, expires_at
    FROM tasks
    WHERE id = ANY ($2::uuid[])
    FOR UPDATE SKIP LOCKED
)
SELECT
    id::text AS id, queue, type, priority, seq, crashes, octets, account_id, limits
FROM task
WHERE status = 'queued' AND hold IS NULL AND (expires_at IS NULL OR expires_at > coalesce($1::timestamptz, now()))
