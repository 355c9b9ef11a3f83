-- It is known now when their tasks started, or that they never will (null). Whoever comes first is answered.
UPDATE schedule_fires SET settled = 1, started_at = item.started_at
FROM (SELECT value ->> 0 AS schedule_id, value ->> 1 AS planned_at, value ->> 2 AS started_at FROM json_each(?)) AS item
WHERE
    schedule_fires.schedule_id = item.schedule_id AND schedule_fires.planned_at = item.planned_at AND schedule_fires.settled = 0
RETURNING planned_at, started_at
