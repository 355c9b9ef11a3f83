-- Oldest first: ids are in order of time, and along the primary key the walk ends at the limit. Locked, so that none of them is leased
-- before it is cancelled. $4: the workflows whose rows are locked; tasks of others are left for the next time.
SELECT id::text AS id FROM tasks
WHERE queue = $1 AND account_id = $2 AND status IN ('scheduled', 'blocked', 'queued')
    AND (workflow_id IS NULL OR workflow_id = ANY ($4::text[]))
ORDER BY tasks.id
LIMIT $3::bigint
FOR UPDATE
