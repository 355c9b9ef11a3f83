-- Those of which it is not known when their task started, behind one of them: whether the task is unfinished, and when it did.
-- A workflow did when it began.
SELECT
    open.schedule_id::text AS schedule_id, open.planned_at, open.task_id::text AS task_id,
    tasks.id IS NOT NULL OR workflows.id IS NOT NULL AS live, coalesce(tasks.started_at, workflows.created_at) AS started_at
FROM (
    SELECT schedule_id, planned_at, task_id, workflow_id FROM schedule_fires
    WHERE NOT settled AND (schedule_id, planned_at) > ($1::uuid, $2::timestamptz)
    ORDER BY schedule_id, planned_at
    LIMIT $3::bigint
) AS open
LEFT JOIN tasks ON tasks.id = ANY (ARRAY[open.task_id])
LEFT JOIN workflows ON workflows.id = ANY (ARRAY[open.workflow_id])
ORDER BY open.schedule_id, open.planned_at
