-- What a scheduled task's handler sleeps for: [until, [event, …]]. No row: it is not scheduled. `until` is null unless a sleep, or a
-- wait that is not decided, ends just then.
SELECT json_array(
    CASE
        WHEN EXISTS (
            SELECT 1 FROM task_steps AS kept
            WHERE kept.task_id = task.id AND kept.kind <> 'step' AND kept.wakes_at = task.run_at AND kept.decided_at IS NULL
        ) THEN task.run_at
    END,
    (
        SELECT json_group_array(event) FROM (
            SELECT event FROM task_waits WHERE task_id = task.id AND attempt = task.attempt ORDER BY event
        )
    )
)
FROM tasks AS task WHERE task.id = ? AND task.status = 'scheduled'
