-- Failed tasks that have no fingerprint yet, locked; what another process has just in its hands is passed over.
SELECT id::text AS id, finished_at, type, reason, error
FROM finished_tasks
WHERE status = 'failed' AND fingerprint IS NULL
ORDER BY fingerprint, account_id, id
LIMIT $1::bigint
FOR UPDATE SKIP LOCKED
