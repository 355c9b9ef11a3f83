-- What a lease has to know, in one answer: the alive workers with their load, the paused queues, which (queue, type, account) have ready
-- tasks, with the place of the first, and which (queue, type) have tasks that limits hold back; whether any queue or account is limited; and who has more than
-- one turn at a time, or less. Two are walks from one to the next along an index, not over the tasks; a comparison of row values
-- would go by the queue alone.
WITH RECURSIVE line (queue, type, account_id, priority, seq) AS (
    SELECT * FROM (
        SELECT queue, type, account_id, priority, seq FROM tasks INDEXED BY tasks_ready
        WHERE status = 'queued' AND hold IS NULL
        ORDER BY queue, type, account_id, priority DESC, seq LIMIT 1
    )
    UNION ALL
    SELECT next.queue, next.type, next.account_id, next.priority, next.seq
    FROM line CROSS JOIN tasks AS next ON next.rowid = coalesce(
        (
            SELECT later.rowid FROM tasks AS later INDEXED BY tasks_ready
            WHERE
                later.status = 'queued' AND later.hold IS NULL AND later.queue = line.queue AND later.type = line.type
                AND later.account_id > line.account_id
            ORDER BY later.account_id, later.priority DESC, later.seq LIMIT 1
        ),
        (
            SELECT later.rowid FROM tasks AS later INDEXED BY tasks_ready
            WHERE later.status = 'queued' AND later.hold IS NULL AND later.queue = line.queue AND later.type > line.type
            ORDER BY later.type, later.account_id, later.priority DESC, later.seq LIMIT 1
        ),
        (
            SELECT later.rowid FROM tasks AS later INDEXED BY tasks_ready
            WHERE later.status = 'queued' AND later.hold IS NULL AND later.queue > line.queue
            ORDER BY later.queue, later.type, later.account_id, later.priority DESC, later.seq LIMIT 1
        )
    )
),
limited (queue, type) AS (
    SELECT * FROM (
        SELECT queue, type FROM tasks INDEXED BY tasks_limited_held
        WHERE status = 'queued' AND limits IS NOT NULL AND hold <> 'no_worker'
        ORDER BY queue, type LIMIT 1
    )
    UNION ALL
    SELECT next.queue, next.type
    FROM limited CROSS JOIN tasks AS next ON next.rowid = coalesce(
        (
            SELECT later.rowid FROM tasks AS later INDEXED BY tasks_limited_held
            WHERE
                later.status = 'queued' AND later.limits IS NOT NULL AND later.hold <> 'no_worker'
                AND later.queue = limited.queue AND later.type > limited.type
            ORDER BY later.type LIMIT 1
        ),
        (
            SELECT later.rowid FROM tasks AS later INDEXED BY tasks_limited_held
            WHERE
                later.status = 'queued' AND later.limits IS NOT NULL AND later.hold <> 'no_worker'
                AND later.queue > limited.queue
            ORDER BY later.queue, later.type LIMIT 1
        )
    )
)
SELECT json_object(
    'lines', (SELECT json_group_array(json_array(queue, type, account_id, priority, seq)) FROM line),
    'limited', (SELECT json_group_array(json_array(queue, type)) FROM limited),
    'bounded', EXISTS (SELECT 1 FROM limits WHERE account_id = ''),
    'weights', (SELECT json_group_object(account_id, weight) FROM quotas WHERE weight <> 1),
    'paused', (SELECT json_group_array(name) FROM queues WHERE paused),
    'workers', (
        SELECT json_group_array(json_array(
            id, slots + window, (SELECT count(*) FROM tasks WHERE worker = workers.id AND status = 'running'),
            EXISTS (SELECT 1 FROM tasks WHERE worker = workers.id AND status = 'running' AND crashes >= 2)
        ))
        FROM workers WHERE state = 'alive'
    )
)
