-- But for what waits.
DELETE FROM schedule_fires WHERE (schedule_id, planned_at) IN (
    SELECT schedule_id, planned_at FROM schedule_fires INDEXED BY schedule_fires_by_age
    WHERE decided_at < ? AND outcome <> 'waiting' LIMIT ?
)
