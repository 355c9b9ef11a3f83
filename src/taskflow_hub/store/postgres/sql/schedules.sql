-- Newest first; null: no condition. Few rows in all, compared with tasks.
SELECT /*schedule*/ FROM schedules
WHERE
    ($1::text IS NULL OR account_id = $1) AND ($2::uuid IS NULL OR id < $2::uuid)
    AND ($3::text IS NULL OR name = $3) AND ($4::text IS NULL OR type = $4)
    AND ($5::boolean IS NULL OR (paused_at IS NOT NULL) = $5)
ORDER BY id DESC
LIMIT $6::bigint
