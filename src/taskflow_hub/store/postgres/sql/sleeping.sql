-- What a scheduled task's handler sleeps for. No row: it is not scheduled. `until` is null unless a sleep, or a wait that is not decided,
-- ends just then.
SELECT
    CASE
        WHEN EXISTS (
            SELECT FROM task_steps AS step
            WHERE step.task_id = task.id AND step.kind <> 'step' AND step.wakes_at = task.run_at AND step.decided_at IS NULL
            OFFSET 0
        ) THEN task.run_at
    END AS until,
    ARRAY(
        SELECT event FROM task_waits WHERE task_id = task.id AND attempt = task.attempt ORDER BY event COLLATE "C"
    ) AS events
FROM (SELECT * FROM tasks WHERE id = $1::uuid OFFSET 0) AS task
WHERE task.status = 'scheduled'
