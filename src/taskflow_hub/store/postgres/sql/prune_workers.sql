-- Dead for long, and nothing is left that it owns: a dead worker is given nothing any more, so that stays so.
DELETE FROM workers
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM workers
    WHERE
        state = 'dead' AND died_at < coalesce($1::timestamptz, now()) - $2::interval
        AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.status = 'running' AND tasks.worker = workers.id OFFSET 0)
    LIMIT $3::bigint
    FOR UPDATE SKIP LOCKED
))
