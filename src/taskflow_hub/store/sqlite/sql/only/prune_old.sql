-- Finished tasks past their outcome's retention, oldest first, but for those of workflows that have not ended: [id, does its result lie outside the store].
SELECT json_group_array(json_array(id, outside)) FROM (
    SELECT id, result_ref IS NOT NULL AS outside FROM finished_tasks INDEXED BY finished_by_age
    WHERE
        status = ? AND finished_at < ?
        AND NOT EXISTS (
            SELECT 1 FROM workflows WHERE workflows.id = finished_tasks.workflow_id AND workflows.status = 'running'
        )
    ORDER BY finished_at LIMIT ?
)
