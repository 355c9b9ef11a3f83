-- What became of them after all: a task was refused, a wait has ended.
UPDATE schedule_fires SET
    outcome = item.outcome, reason = item.reason, detail = item.detail, ticks = item.ticks, by_hand = item.by_hand,
    task_id = item.task_id, workflow_id = item.workflow_id, decided_at = $1::timestamptz, started_at = NULL,
    settled = item.outcome <> 'fired'
FROM unnest(
    $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::text[], $9::uuid[], $10::uuid[]
) AS item (schedule_id, planned_at, outcome, reason, detail, ticks, by_hand, task_id, workflow_id)
WHERE schedule_fires.schedule_id = ANY (ARRAY[item.schedule_id]) AND schedule_fires.planned_at = item.planned_at
