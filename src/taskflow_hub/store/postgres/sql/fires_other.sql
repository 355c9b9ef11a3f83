-- The same of one outcome that is rare beside `fired`, so it has an index of its own.
SELECT /*fire*/ FROM schedule_fires
WHERE
    schedule_id = $1::uuid AND planned_at < coalesce($2::timestamptz, 'infinity') AND outcome = $3::text AND outcome <> 'fired'
ORDER BY planned_at DESC
LIMIT $4::bigint
