-- Held tasks by what limits them: of each (queue, type) the first of each group, so many of them, from a group on; `n` tells the
-- (queue, type). A walk from group to group along the index: tasks of one group are held alike, however many they are. (Ordered
-- by all its columns, for only this index can do so.)
SELECT lane.n::integer AS n, head.account_id, head.limits, head.priority, head.seq
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS lane (queue, type, account_id, limits, n)
CROSS JOIN LATERAL (
    WITH RECURSIVE head (account_id, limits, priority, seq) AS (
        (
            SELECT task.account_id, task.limits, task.priority, task.seq FROM tasks AS task
            WHERE
                task.status = 'queued' AND task.limits IS NOT NULL AND task.hold <> 'no_worker'
                AND task.queue = lane.queue AND task.type = lane.type
                AND (task.account_id, task.limits) > (lane.account_id, lane.limits)
            ORDER BY task.queue, task.type, task.account_id, task.limits, task.priority DESC, task.seq LIMIT 1
        )
        UNION ALL
        SELECT next.account_id, next.limits, next.priority, next.seq
        FROM head CROSS JOIN LATERAL (
            SELECT later.account_id, later.limits, later.priority, later.seq FROM tasks AS later
            WHERE
                later.status = 'queued' AND later.limits IS NOT NULL AND later.hold <> 'no_worker'
                AND later.queue = lane.queue AND later.type = lane.type
                AND (later.account_id, later.limits) > (head.account_id, head.limits)
            ORDER BY later.queue, later.type, later.account_id, later.limits, later.priority DESC, later.seq LIMIT 1
        ) AS next
    )
    SELECT account_id, limits, priority, seq FROM head LIMIT $5::integer
) AS head
