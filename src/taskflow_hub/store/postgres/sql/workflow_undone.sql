-- The tasks of a fan-out's items that failed or were cancelled. $3: none of them can have finished before.
SELECT work.workflow_id::text AS workflow_id, work.node, work.item, work.task_id::text AS task_id
FROM
    workflow_tasks AS work
    CROSS JOIN LATERAL (
        SELECT * FROM finished_tasks AS task WHERE task.id = work.task_id AND task.finished_at >= $3::timestamptz OFFSET 0
    ) AS task
WHERE work.workflow_id = $1::uuid AND work.node = $2::text AND task.status IN ('failed', 'cancelled')
ORDER BY work.item
