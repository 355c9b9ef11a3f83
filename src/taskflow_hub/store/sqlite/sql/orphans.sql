-- Running attempts whose owner is dead or absent, those of one worker together. A loss that will not count (take_back.sql) is shown with
-- one crash fewer, so that nobody takes the task for poisoned.
SELECT json_group_array(json_object(
    'id', id, 'attempt', attempt, 'type', type, 'worker', worker, 'crashes', crashes, 'taken', taken, 'on_lost', on_lost
))
FROM (
    SELECT
        task.id, attempt, task.type, worker, crashes - (missing < 0) AS crashes, taken,
        coalesce(task_types.on_lost, 'retry') AS on_lost
    FROM tasks AS task INDEXED BY tasks_running
    LEFT JOIN task_types ON task_types.type = task.type
    WHERE
        status = 'running'
        AND NOT EXISTS (SELECT 1 FROM workers WHERE workers.id = task.worker AND workers.state <> 'dead')
    ORDER BY worker, task.rowid
    LIMIT ?
)
