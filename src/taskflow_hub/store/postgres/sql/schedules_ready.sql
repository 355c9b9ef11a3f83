-- A tick of theirs waits, and no run of theirs is left; whether that is so is looked at again under the lock ($3: not these).
SELECT /*schedule*/, coalesce($1::timestamptz, now()) AS now
FROM schedules
WHERE
    schedules.waiting_at IS NOT NULL AND schedules.paused_at IS NULL AND schedules.id <> ALL ($3::uuid[])
    AND NOT EXISTS (SELECT FROM tasks WHERE tasks.schedule_id = schedules.id::text OFFSET 0)
    AND NOT EXISTS (
        SELECT FROM workflows WHERE workflows.schedule_id = schedules.id::text AND workflows.status = 'running' OFFSET 0
    )
ORDER BY schedules.waiting_at, schedules.id
LIMIT $2::bigint
FOR UPDATE SKIP LOCKED
