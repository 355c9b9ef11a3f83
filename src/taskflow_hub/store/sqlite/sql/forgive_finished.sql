-- And from tasks that have ended meanwhile. No new revision: that it was counted is nobody's news any more.
UPDATE finished_tasks
SET crashes = max(0, crashes - back.n)
FROM (
    SELECT task_id, count(*) AS n FROM attempts INDEXED BY attempts_crashed WHERE worker = ? AND crashed = 1 GROUP BY task_id
) AS back
WHERE finished_tasks.id = back.task_id
