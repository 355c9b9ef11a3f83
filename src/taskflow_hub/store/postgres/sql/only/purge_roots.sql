-- The workflows of the tasks that purge.sql is about to find.
SELECT DISTINCT workflow_id
FROM (
    SELECT workflow_id FROM tasks
    WHERE queue = $1 AND account_id = $2 AND status IN ('scheduled', 'blocked', 'queued')
    ORDER BY tasks.id
    LIMIT $3::bigint
) AS task
WHERE workflow_id IS NOT NULL
