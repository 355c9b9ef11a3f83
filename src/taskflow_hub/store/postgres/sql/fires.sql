-- Newest first.
SELECT /*fire*/ FROM schedule_fires
WHERE schedule_id = $1::uuid AND planned_at < coalesce($2::timestamptz, 'infinity') AND ($3::text IS NULL OR outcome = $3)
ORDER BY planned_at DESC
LIMIT $4::bigint
