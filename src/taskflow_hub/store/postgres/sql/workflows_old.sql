-- Workflows past their outcome's retention, oldest first. Locked, so that none of them is redriven meanwhile; $3: at most so many.
SELECT id::text AS id
FROM workflows
WHERE parent_id IS NULL AND status = $1::text AND finished_at IS NOT NULL AND finished_at < $2::timestamptz
ORDER BY finished_at
LIMIT $3::integer
FOR UPDATE SKIP LOCKED
