-- It is known now when their tasks started, or that they never will (null). Whoever comes first is answered.
WITH item AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) AS item (schedule_id, planned_at, started_at)
    ORDER BY schedule_id, planned_at
),
mine AS MATERIALIZED (
    SELECT item.*
    FROM item CROSS JOIN LATERAL (
        SELECT FROM schedule_fires
        WHERE
            schedule_fires.schedule_id = item.schedule_id AND schedule_fires.planned_at = item.planned_at
            AND NOT schedule_fires.settled
        OFFSET 0
        FOR UPDATE SKIP LOCKED
    ) AS fire
)
UPDATE schedule_fires SET settled = true, started_at = mine.started_at
FROM mine
WHERE schedule_fires.schedule_id = ANY (ARRAY[mine.schedule_id]) AND schedule_fires.planned_at = mine.planned_at
RETURNING schedule_fires.planned_at, schedule_fires.started_at
