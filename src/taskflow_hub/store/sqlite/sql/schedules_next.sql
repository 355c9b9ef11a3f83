-- [when the next tick comes, whether one waits for a run to end, whether such a run has ended], but for those passed over
SELECT json_array(
    (
        SELECT next_at FROM schedules INDEXED BY schedules_due
        WHERE next_at IS NOT NULL AND paused_at IS NULL AND id NOT IN (SELECT value FROM json_each(?1))
        ORDER BY next_at LIMIT 1
    ),
    EXISTS (SELECT 1 FROM schedules WHERE waiting_at IS NOT NULL),
    EXISTS (
        SELECT 1 FROM schedules
        WHERE
            schedules.waiting_at IS NOT NULL AND schedules.paused_at IS NULL AND schedules.id NOT IN (SELECT value FROM json_each(?1))
            AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.schedule_id = schedules.id)
            AND NOT EXISTS (SELECT 1 FROM workflows WHERE workflows.schedule_id = schedules.id AND workflows.status = 'running')
    )
)
