DELETE FROM schedule_fires USING unnest($2::timestamptz[]) AS item (planned_at)
WHERE schedule_fires.schedule_id = $1::uuid AND schedule_fires.planned_at = item.planned_at
