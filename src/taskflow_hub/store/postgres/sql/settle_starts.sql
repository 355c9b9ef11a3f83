-- It is known now when their tasks started, or that they never will (null). Whoever comes first is answered.
WITH item AS (
    SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) AS item (schedule_id, planned_at, started_at)
),
mine AS (
    SELECT schedule_fires.schedule_id, schedule_fires.planned_at, item.started_at
    FROM schedule_fires
    INNER JOIN item ON schedule_fires.schedule_id = item.schedule_id AND schedule_fires.planned_at = item.planned_at
    WHERE NOT schedule_fires.settled
    ORDER BY schedule_fires.schedule_id, schedule_fires.planned_at
    FOR UPDATE OF schedule_fires SKIP LOCKED
)
UPDATE schedule_fires SET settled = true, started_at = mine.started_at
FROM mine
WHERE schedule_fires.schedule_id = mine.schedule_id AND schedule_fires.planned_at = mine.planned_at
RETURNING schedule_fires.planned_at, schedule_fires.started_at
