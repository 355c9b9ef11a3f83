-- Ready tasks of some (queue, type) that no alive worker serves leave the ready index, in whatever order only that index has;
-- unhold.sql brings them back.
UPDATE tasks
SET hold = 'no_worker', rev = rev + 1
WHERE id = ANY (ARRAY(
    SELECT found.id
    FROM unnest($1::text[], $2::text[]) AS lane (queue, type)
    CROSS JOIN LATERAL (
        SELECT tasks.id FROM tasks
        WHERE tasks.queue = lane.queue AND tasks.type = lane.type AND tasks.status = 'queued' AND tasks.hold IS NULL
        ORDER BY tasks.queue, tasks.type, tasks.priority, tasks.account_id, tasks.seq
        LIMIT $3::integer
        FOR UPDATE SKIP LOCKED
    ) AS found
    LIMIT $3::integer
))
