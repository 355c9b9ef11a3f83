DELETE FROM schedule_fires
WHERE schedule_fires.schedule_id = $1::uuid AND schedule_fires.planned_at = ANY ($2::timestamptz[])
