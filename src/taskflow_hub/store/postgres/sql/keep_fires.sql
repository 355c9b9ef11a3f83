-- Whoever inserts it has decided the tick; what is there already is not answered.
INSERT INTO schedule_fires (
    schedule_id, planned_at, outcome, reason, detail, ticks, by_hand, task_id, workflow_id, decided_at, settled
)
SELECT
    item.schedule_id, item.planned_at, item.outcome, item.reason, item.detail, item.ticks, item.by_hand, item.task_id,
    item.workflow_id, $1::timestamptz, item.outcome <> 'fired'
FROM unnest(
    $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::text[], $9::uuid[], $10::uuid[]
) AS item (schedule_id, planned_at, outcome, reason, detail, ticks, by_hand, task_id, workflow_id)
ON CONFLICT (schedule_id, planned_at) DO NOTHING
RETURNING schedule_id::text AS schedule_id, planned_at
