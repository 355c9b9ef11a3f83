-- How many ready tasks come before a queued one in its queue, counted to a limit: all of a higher priority, those of its own account
-- that came before it, and of each other account as many as have turns until then: as many as its own with itself, by the ratio of
-- their weights (store/shares.py). Stand by stand along the ready index, so nothing behind is looked at.
WITH RECURSIVE
wanted (id, most) AS (VALUES (?, ?)),
me (queue, priority, seq, account_id, weight) AS (
    SELECT tasks.queue, tasks.priority, tasks.seq, tasks.account_id, coalesce(quotas.weight, 1)
    FROM wanted CROSS JOIN tasks ON tasks.id = wanted.id LEFT JOIN quotas ON quotas.account_id = tasks.account_id
    WHERE tasks.status = 'queued'
),
lane (queue, type) AS (
    SELECT queue, (
        SELECT min(type) FROM tasks INDEXED BY tasks_ready
        WHERE status = 'queued' AND hold IS NULL AND tasks.queue = me.queue
    )
    FROM me
    UNION ALL
    SELECT queue, (
        SELECT min(type) FROM tasks INDEXED BY tasks_ready
        WHERE status = 'queued' AND hold IS NULL AND tasks.queue = lane.queue AND tasks.type > lane.type
    )
    FROM lane WHERE lane.type IS NOT NULL
),
stand (queue, type, account_id) AS (
    SELECT queue, type, (
        SELECT min(account_id) FROM tasks INDEXED BY tasks_ready
        WHERE status = 'queued' AND hold IS NULL AND tasks.queue = lane.queue AND tasks.type = lane.type
    )
    FROM lane WHERE lane.type IS NOT NULL
    UNION ALL
    SELECT queue, type, (
        SELECT min(account_id) FROM tasks INDEXED BY tasks_ready
        WHERE
            status = 'queued' AND hold IS NULL AND tasks.queue = stand.queue AND tasks.type = stand.type
            AND tasks.account_id > stand.account_id
    )
    FROM stand WHERE stand.account_id IS NOT NULL
),
higher (tasks) AS (
    SELECT count(*) FROM (
        SELECT 1
        FROM me CROSS JOIN stand CROSS JOIN tasks AS other INDEXED BY tasks_ready
        ON other.queue = stand.queue AND other.type = stand.type AND other.account_id = stand.account_id
            AND other.priority > me.priority
        WHERE other.status = 'queued' AND other.hold IS NULL
        LIMIT (SELECT most FROM wanted)
    )
),
earlier (tasks) AS (
    SELECT count(*) FROM (
        SELECT 1
        FROM me CROSS JOIN stand ON stand.account_id = me.account_id CROSS JOIN tasks AS other INDEXED BY tasks_ready
        ON other.queue = stand.queue AND other.type = stand.type AND other.account_id = stand.account_id
            AND other.priority = me.priority AND other.seq < me.seq
        WHERE other.status = 'queued' AND other.hold IS NULL
        LIMIT (SELECT most - higher.tasks FROM wanted CROSS JOIN higher)
    )
),
turns (queue, priority, account_id, most) AS (
    SELECT
        me.queue, me.priority, rival.account_id,
        min(cast((earlier.tasks + 1) * coalesce(quotas.weight, 1) / me.weight AS INTEGER), wanted.most)
    FROM wanted CROSS JOIN me CROSS JOIN higher CROSS JOIN earlier
    CROSS JOIN (SELECT DISTINCT account_id FROM stand WHERE account_id IS NOT NULL) AS rival
    ON rival.account_id <> me.account_id
    LEFT JOIN quotas ON quotas.account_id = rival.account_id
    WHERE higher.tasks + earlier.tasks < wanted.most
)
SELECT min(
    wanted.most,
    higher.tasks + earlier.tasks + coalesce((
        SELECT sum(min(turns.most, (
            SELECT count(*) FROM (
                SELECT 1
                FROM stand CROSS JOIN tasks AS other INDEXED BY tasks_ready
                ON other.queue = stand.queue AND other.type = stand.type AND other.account_id = stand.account_id
                    AND other.priority = turns.priority
                WHERE stand.account_id = turns.account_id AND other.status = 'queued' AND other.hold IS NULL
                LIMIT (SELECT most FROM wanted)
            )
        )))
        FROM turns
    ), 0)
)
FROM wanted CROSS JOIN higher CROSS JOIN earlier
