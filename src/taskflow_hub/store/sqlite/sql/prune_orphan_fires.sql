-- Those whose schedule is gone: a walk from one schedule to the next along the index.
WITH RECURSIVE known (id) AS (
    SELECT min(schedule_id) FROM schedule_fires
    UNION ALL
    SELECT (SELECT min(later.schedule_id) FROM schedule_fires AS later WHERE later.schedule_id > known.id)
    FROM known WHERE known.id IS NOT NULL
)
DELETE FROM schedule_fires WHERE (schedule_id, planned_at) IN (
    SELECT schedule_fires.schedule_id, schedule_fires.planned_at
    FROM known CROSS JOIN schedule_fires ON schedule_fires.schedule_id = known.id
    WHERE known.id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM schedules WHERE schedules.id = known.id)
    LIMIT ?
)
