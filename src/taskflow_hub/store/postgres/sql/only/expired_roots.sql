-- The workflows of tasks that have expired.
SELECT DISTINCT workflow_id
FROM (
    SELECT task.workflow_id
    FROM tasks AS task
    WHERE
        task.expires_at IS NOT NULL AND task.status IN ('scheduled', 'blocked', 'queued')
        AND task.expires_at <= coalesce($1::timestamptz, now())
    ORDER BY task.expires_at
    LIMIT $2::integer
) AS task
WHERE workflow_id IS NOT NULL
