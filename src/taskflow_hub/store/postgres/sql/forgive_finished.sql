-- And from tasks that have ended meanwhile. No new revision: that it was counted is nobody's news any more. Locked in the order of ids,
-- as a redrive locks them.
WITH back AS MATERIALIZED (
    SELECT crash.task_id, count(*)::integer AS n
    FROM (SELECT task_id FROM attempts WHERE worker = $1 AND crashed OFFSET 0) AS crash
    GROUP BY crash.task_id
    ORDER BY crash.task_id
),
locked AS MATERIALIZED (
    SELECT back.*
    FROM back CROSS JOIN LATERAL (
        SELECT FROM finished_tasks WHERE finished_tasks.id = back.task_id OFFSET 0 FOR UPDATE
    ) AS task
)
UPDATE finished_tasks
SET crashes = greatest(0, finished_tasks.crashes - locked.n)
FROM locked
WHERE finished_tasks.id = ANY (ARRAY[locked.task_id])
