-- Of attempts that do not own their task: the kind of report that ended each, if that is known, or whether it owns it after all, and was
-- only passed over, for its task is part of a workflow. What ended an attempt stands in attempts, or in finished_tasks if it ended the
-- task. $3: none of them can have ended before. That it was passed over is a hint: it is asked again with its root locked.
SELECT
    coalesce(
        (
            SELECT attempts.ended_by FROM attempts
            WHERE attempts.task_id = item.id AND attempts.attempt = item.attempt AND attempts.ended_at >= $3::timestamptz
        ),
        (
            SELECT finished.ended_by FROM finished_tasks AS finished
            WHERE finished.id = item.id AND finished.attempt = item.attempt AND finished.finished_at >= $3::timestamptz
        )
    ) AS ended_by,
    EXISTS (
        SELECT FROM (SELECT * FROM tasks WHERE tasks.id = item.id OFFSET 0) AS task
        WHERE item.attempt = task.attempt AND task.status = 'running' AND task.workflow_id IS NOT NULL
    ) AS passed
FROM unnest($1::uuid[], $2::integer[]) WITH ORDINALITY AS item (id, attempt, n)
ORDER BY n
