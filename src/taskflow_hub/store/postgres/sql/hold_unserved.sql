-- Ready tasks of a (queue, type) that no alive worker serves leave the ready index, in whatever order only that index has;
-- unhold.sql brings them back.
UPDATE tasks
SET hold = 'no_worker', rev = rev + 1
WHERE id = ANY (ARRAY(
    SELECT id FROM tasks
    WHERE queue = $1::text AND type = $2::text AND status = 'queued' AND hold IS NULL
    ORDER BY queue, type, priority, account_id, seq
    LIMIT $3::integer
    FOR UPDATE SKIP LOCKED
))
