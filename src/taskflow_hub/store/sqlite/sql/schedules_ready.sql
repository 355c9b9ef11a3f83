-- A tick of theirs waits, and no run of theirs is left; but for those that are passed over.
SELECT json_group_array(json(row)) FROM (
    SELECT /*schedule*/ AS row FROM schedules
    WHERE
        schedules.waiting_at IS NOT NULL AND schedules.paused_at IS NULL AND schedules.id NOT IN (SELECT value FROM json_each(?))
        AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.schedule_id = schedules.id)
        AND NOT EXISTS (SELECT 1 FROM workflows WHERE workflows.schedule_id = schedules.id AND workflows.status = 'running')
    ORDER BY schedules.waiting_at, schedules.id
    LIMIT ?
)
