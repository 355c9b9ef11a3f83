-- A worker that was taken for dead is back: crashes counted for it are taken back.
UPDATE tasks
SET crashes = greatest(0, tasks.crashes - back.n), rev = tasks.rev + 1
FROM (
    SELECT crash.task_id, count(*)::integer AS n
    FROM (SELECT task_id FROM attempts WHERE worker = $1 AND crashed OFFSET 0) AS crash
    GROUP BY crash.task_id
) AS back
WHERE tasks.id = ANY (ARRAY[back.task_id])
