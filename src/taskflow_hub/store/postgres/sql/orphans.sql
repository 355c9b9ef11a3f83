-- Running attempts whose owner is dead or absent, those of one worker together. A loss that will not count (take_back.sql) is shown with
-- one crash fewer, so that nobody takes the task for poisoned. They are looked for in the gaps between the ids of the living: while a
-- transaction is held open elsewhere, the index keeps an entry of everything that these have run, and all of it is passed over so.
WITH living (id, next) AS (
    SELECT id, lead(id) OVER (ORDER BY id)
    FROM (SELECT '' AS id UNION ALL SELECT id FROM workers WHERE state <> 'dead') AS one
),
orphan (id) AS (
    SELECT task.id
    FROM living CROSS JOIN LATERAL (
        SELECT tasks.id FROM tasks
        WHERE tasks.status = 'running' AND tasks.worker > living.id AND tasks.worker < living.next
        OFFSET 0
    ) AS task
    UNION ALL
    SELECT id FROM tasks WHERE status = 'running' AND worker > (SELECT max(id) FROM living)
)
SELECT
    task.id::text AS id, task.attempt, task.type, task.worker, task.crashes - (task.missing < 0)::integer AS crashes, task.taken,
    coalesce(task_types.on_lost, 'retry') AS on_lost
FROM orphan JOIN tasks AS task ON task.id = ANY (ARRAY[orphan.id]) LEFT JOIN task_types ON task_types.type = ANY (ARRAY[task.type])
ORDER BY task.worker, task.id
LIMIT $1::bigint
