-- Whoever inserts it has decided the tick; what is there already is not answered.
INSERT INTO schedule_fires (
    schedule_id, planned_at, outcome, reason, detail, ticks, by_hand, task_id, workflow_id, decided_at, settled
)
SELECT
    value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8, ?,
    value ->> 2 <> 'fired'
FROM json_each(?)
WHERE true
ON CONFLICT (schedule_id, planned_at) DO NOTHING
RETURNING schedule_id, planned_at
