-- And from tasks that have ended meanwhile. No new revision: that it was counted is nobody's news any more. Locked in the order of ids,
-- as a redrive locks them.
WITH back AS MATERIALIZED (
    SELECT task_id, count(*)::integer AS n FROM attempts WHERE worker = $1 AND crashed GROUP BY task_id
),
locked AS MATERIALIZED (
    SELECT finished_tasks.id FROM finished_tasks
    WHERE finished_tasks.id = ANY (ARRAY(SELECT back.task_id FROM back))
    ORDER BY finished_tasks.id
    FOR UPDATE
)
UPDATE finished_tasks
SET crashes = greatest(0, finished_tasks.crashes - back.n)
FROM back
WHERE finished_tasks.id = ANY (ARRAY[back.task_id]) AND back.task_id IN (SELECT locked.id FROM locked)
