-- What else a lease has to know: who is alive at all, for what nobody serves is put aside; which queues are paused;
-- whether any queue or account is limited; who has more turns than others, or fewer, if there are several ($6); and which (queue,
-- type) have tasks that limits hold back, if it is known that there are such ($1): a walk from one to the next along their index
-- (ordered by all its columns, for only this index can do so). And with it, a row for each, what the workers run. This comes
-- after their rows were locked, for a count that was taken while waiting for them would be old (trap c of the design).
SELECT look.*, found.*
FROM (SELECT
    ARRAY(SELECT id FROM workers WHERE state = 'alive') AS alive,
    ARRAY(SELECT name FROM queues WHERE paused) AS paused,
    EXISTS (SELECT FROM limits WHERE account_id = '') AS bounded,
    CASE WHEN $6::boolean THEN (SELECT json_object_agg(account_id, weight) FROM quotas WHERE weight <> 1) END AS weights,
    CASE WHEN $1::boolean THEN ARRAY(
        WITH RECURSIVE lane (queue, type) AS (
            (
                SELECT queue, type FROM tasks
                WHERE status = 'queued' AND limits IS NOT NULL AND hold <> 'no_worker'
                ORDER BY queue, type, account_id, limits, priority DESC, seq LIMIT 1
            )
            UNION ALL
            SELECT next.queue, next.type
            FROM lane CROSS JOIN LATERAL (
                SELECT later.queue, later.type FROM tasks AS later
                WHERE
                    later.status = 'queued' AND later.limits IS NOT NULL AND later.hold <> 'no_worker'
                    AND (later.queue, later.type) > (lane.queue, lane.type)
                ORDER BY later.queue, later.type, later.account_id, later.limits, later.priority DESC, later.seq LIMIT 1
            ) AS next
        )
        SELECT ARRAY[queue, type] FROM lane
    ) END AS limited
) AS look
LEFT JOIN (/*lease_running*/) AS found ON true
