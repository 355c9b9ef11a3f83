-- How many ready tasks come before a queued one in its queue, counted to a limit: all of a higher priority, those of its own account
-- that came before it, and of each other account as many as have turns until then: as many as its own with itself, by the ratio of
-- their weights (store/shares.py). Type by type along the ready index, and at its own priority account by account, so nothing behind
-- the task is looked at. (Ordered by all its columns, for only this index can do so.)
WITH RECURSIVE me AS MATERIALIZED (
    SELECT tasks.queue, tasks.priority, tasks.seq, tasks.account_id, coalesce(quotas.weight, 1) AS weight
    FROM tasks LEFT JOIN quotas ON quotas.account_id = ANY (ARRAY[tasks.account_id])
    WHERE tasks.id = $1::uuid AND tasks.status = 'queued'
),
lane (queue, type) AS (
    SELECT first.queue, first.type
    FROM me CROSS JOIN LATERAL (
        SELECT tasks.queue, tasks.type FROM tasks
        WHERE tasks.status = 'queued' AND tasks.hold IS NULL AND tasks.queue = me.queue
        ORDER BY tasks.queue, tasks.type, tasks.priority, tasks.account_id, tasks.seq LIMIT 1
    ) AS first
    UNION ALL
    SELECT next.queue, next.type
    FROM lane CROSS JOIN LATERAL (
        SELECT later.queue, later.type FROM tasks AS later
        WHERE later.status = 'queued' AND later.hold IS NULL AND later.queue = lane.queue AND later.type > lane.type
        ORDER BY later.queue, later.type, later.priority, later.account_id, later.seq LIMIT 1
    ) AS next
),
stand (type, account_id) AS (
    SELECT lane.type, first.account_id
    FROM me CROSS JOIN lane CROSS JOIN LATERAL (
        SELECT tasks.account_id FROM tasks
        WHERE
            tasks.status = 'queued' AND tasks.hold IS NULL AND tasks.queue = me.queue AND tasks.type = lane.type
            AND tasks.priority = me.priority
        ORDER BY tasks.queue, tasks.type, tasks.priority, tasks.account_id, tasks.seq LIMIT 1
    ) AS first
    UNION ALL
    SELECT stand.type, next.account_id
    FROM stand CROSS JOIN me CROSS JOIN LATERAL (
        SELECT later.account_id FROM tasks AS later
        WHERE
            later.status = 'queued' AND later.hold IS NULL AND later.queue = me.queue AND later.type = stand.type
            AND later.priority = me.priority AND later.account_id > stand.account_id
        ORDER BY later.queue, later.type, later.priority, later.account_id, later.seq LIMIT 1
    ) AS next
),
higher AS MATERIALIZED (
    SELECT count(*) AS tasks FROM (
        SELECT 1
        FROM me CROSS JOIN lane CROSS JOIN LATERAL (
            SELECT 1 FROM tasks AS other
            WHERE
                other.status = 'queued' AND other.hold IS NULL
                AND other.queue = lane.queue AND other.type = lane.type AND other.priority > me.priority
            ORDER BY other.queue, other.type, other.priority, other.account_id, other.seq LIMIT $2::integer
        ) AS other
        LIMIT $2::integer
    ) AS before
),
earlier AS MATERIALIZED (
    SELECT count(*) AS tasks FROM (
        SELECT 1
        FROM me JOIN stand ON stand.account_id = me.account_id CROSS JOIN LATERAL (
            SELECT 1 FROM tasks AS other
            WHERE
                other.status = 'queued' AND other.hold IS NULL AND other.queue = me.queue AND other.type = stand.type
                AND other.priority = me.priority AND other.account_id = stand.account_id AND other.seq < me.seq
            ORDER BY other.queue, other.type, other.priority, other.account_id, other.seq LIMIT $2::integer
        ) AS other
        LIMIT $2::integer
    ) AS before
),
turns AS MATERIALIZED (
    SELECT count(*) AS tasks FROM (
        SELECT 1
        FROM
            me CROSS JOIN higher CROSS JOIN earlier
            JOIN (SELECT DISTINCT account_id FROM stand) AS rival ON rival.account_id <> me.account_id
            LEFT JOIN quotas ON quotas.account_id = ANY (ARRAY[rival.account_id])
            CROSS JOIN LATERAL (
                SELECT 1
                FROM stand CROSS JOIN LATERAL (
                    SELECT 1 FROM tasks AS other
                    WHERE
                        other.status = 'queued' AND other.hold IS NULL AND other.queue = me.queue AND other.type = stand.type
                        AND other.priority = me.priority AND other.account_id = stand.account_id
                    ORDER BY other.queue, other.type, other.priority, other.account_id, other.seq LIMIT $2::integer
                ) AS other
                WHERE stand.account_id = rival.account_id
                LIMIT floor((earlier.tasks + 1) * coalesce(quotas.weight, 1) / me.weight)
            ) AS turn
        WHERE higher.tasks + earlier.tasks < $2::integer
        LIMIT $2::integer
    ) AS before
)
SELECT least($2::integer, higher.tasks + earlier.tasks + turns.tasks)::integer AS count
FROM higher CROSS JOIN earlier CROSS JOIN turns
