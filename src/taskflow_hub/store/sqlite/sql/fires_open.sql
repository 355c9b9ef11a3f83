-- Those of which it is not known when their task started, behind one of them: whether the task is unfinished, and when it did.
-- A workflow did when it began.
SELECT json_group_array(json_array(schedule_id, planned_at, task_id, live, started_at)) FROM (
    SELECT
        open.schedule_id, open.planned_at, open.task_id, tasks.id IS NOT NULL OR workflows.id IS NOT NULL AS live,
        coalesce(tasks.started_at, workflows.created_at) AS started_at
    FROM (
        SELECT schedule_id, planned_at, task_id, workflow_id FROM schedule_fires INDEXED BY schedule_fires_open
        WHERE settled = 0 AND (schedule_id, planned_at) > (?, ?)
        ORDER BY schedule_id, planned_at
        LIMIT ?
    ) AS open
    LEFT JOIN tasks ON tasks.id = open.task_id
    LEFT JOIN workflows ON workflows.id = open.workflow_id
)
