-- In how many seconds the next tick comes, whether one waits for a run to end, and whether such a run has ended ($2: not these).
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now)
SELECT
    (
        SELECT extract(epoch FROM schedules.next_at - clock.now)::double precision FROM schedules
        WHERE schedules.next_at IS NOT NULL AND schedules.paused_at IS NULL AND schedules.id <> ALL ($2::uuid[])
        ORDER BY schedules.next_at LIMIT 1
    ) AS in_s,
    EXISTS (SELECT FROM schedules WHERE waiting_at IS NOT NULL) AS waiting,
    EXISTS (
        SELECT FROM schedules
        WHERE
            schedules.waiting_at IS NOT NULL AND schedules.paused_at IS NULL AND schedules.id <> ALL ($2::uuid[])
            AND NOT EXISTS (SELECT FROM tasks WHERE tasks.schedule_id = schedules.id::text OFFSET 0)
            AND NOT EXISTS (
                SELECT FROM workflows WHERE workflows.schedule_id = schedules.id::text AND workflows.status = 'running' OFFSET 0
            )
    ) AS ready
FROM clock
