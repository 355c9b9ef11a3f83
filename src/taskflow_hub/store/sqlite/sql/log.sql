-- Insert or ignore: a line is known by (task, attempt, n). Lines of tasks that are gone, and of attempts not made yet, are dropped.
WITH item (task_id, attempt, n, at, level, message, fields) AS (VALUES /*items*/ (?, ?, ?, ?, ?, ?, ?))
INSERT INTO log_lines (task_id, attempt, n, at, level, message, fields)
SELECT task_id, attempt, n, at, level, message, fields
FROM item
WHERE
    attempt >= 1 AND attempt <= coalesce(
        (SELECT tasks.attempt FROM tasks WHERE tasks.id = item.task_id),
        (SELECT finished_tasks.attempt FROM finished_tasks WHERE finished_tasks.id = item.task_id)
    )
ON CONFLICT DO NOTHING
