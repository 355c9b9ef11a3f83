-- Oldest first: ids are in order of time, and along the primary key the walk ends at the limit. Locked, so that none of them is leased
-- before it is cancelled.
SELECT id::text AS id FROM tasks
WHERE queue = $1 AND account_id = $2 AND status IN ('scheduled', 'blocked', 'queued')
ORDER BY tasks.id
LIMIT $3::bigint
FOR UPDATE
