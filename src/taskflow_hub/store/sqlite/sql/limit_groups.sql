-- Held tasks of one (queue, type), by what limits them: the first of each group, from a group on. A walk from group to group along
-- the index; tasks of one group are held alike, however many they are.
WITH RECURSIVE lane (queue, type, account_id, limits) AS (VALUES (?, ?, ?, ?)),
head (place) AS (
    SELECT coalesce(
        (
            SELECT rowid FROM tasks INDEXED BY tasks_limited_held
            WHERE
                status = 'queued' AND limits IS NOT NULL AND hold <> 'no_worker'
                AND queue = lane.queue AND type = lane.type AND account_id = lane.account_id AND tasks.limits > lane.limits
            ORDER BY limits, priority DESC, seq LIMIT 1
        ),
        (
            SELECT rowid FROM tasks INDEXED BY tasks_limited_held
            WHERE
                status = 'queued' AND limits IS NOT NULL AND hold <> 'no_worker'
                AND queue = lane.queue AND type = lane.type AND tasks.account_id > lane.account_id
            ORDER BY account_id, limits, priority DESC, seq LIMIT 1
        )
    )
    FROM lane
    UNION ALL
    SELECT coalesce(
        (
            SELECT later.rowid FROM tasks AS later INDEXED BY tasks_limited_held
            WHERE
                later.status = 'queued' AND later.limits IS NOT NULL AND later.hold <> 'no_worker'
                AND later.queue = task.queue AND later.type = task.type AND later.account_id = task.account_id
                AND later.limits > task.limits
            ORDER BY later.limits, later.priority DESC, later.seq LIMIT 1
        ),
        (
            SELECT later.rowid FROM tasks AS later INDEXED BY tasks_limited_held
            WHERE
                later.status = 'queued' AND later.limits IS NOT NULL AND later.hold <> 'no_worker'
                AND later.queue = task.queue AND later.type = task.type AND later.account_id > task.account_id
            ORDER BY later.account_id, later.limits, later.priority DESC, later.seq LIMIT 1
        )
    )
    FROM head CROSS JOIN tasks AS task ON task.rowid = head.place
    LIMIT ?
)
SELECT json_group_array(json_array(task.account_id, json(task.limits), task.priority, task.seq))
FROM head CROSS JOIN tasks AS task ON task.rowid = head.place
