-- A worker that was taken for dead is back: crashes counted for it are taken back.
UPDATE tasks
SET crashes = max(0, crashes - back.n), rev = rev + 1
FROM (
    SELECT task_id, count(*) AS n FROM attempts INDEXED BY attempts_crashed WHERE worker = ? AND crashed = 1 GROUP BY task_id
) AS back
WHERE tasks.id = back.task_id
