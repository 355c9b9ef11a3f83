-- Workflows that have run out of time, the earliest first, each with its root. $3: only this one, if it is late.
SELECT id::text AS id, root_id::text AS root_id
FROM workflows
WHERE status = 'running' AND deadline_at IS NOT NULL AND ending IS NULL AND deadline_at <= coalesce($1::timestamptz, now())
    AND ($3::uuid IS NULL OR id = $3::uuid)
ORDER BY deadline_at
LIMIT $2::integer
