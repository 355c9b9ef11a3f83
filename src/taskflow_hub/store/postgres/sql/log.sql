-- Insert or ignore: a line is known by (task, attempt, n). Lines of tasks that are gone, and of attempts not made yet, are dropped.
-- `kept_at` may differ when a line comes again, if its clock is far off, so the key alone would not do. $9: none of these tasks
-- can have finished before, and none of these lines been kept.
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now)
INSERT INTO log_lines (task_id, attempt, n, at, kept_at, level, message, fields)
SELECT
    item.task_id, item.attempt, item.n, item.at,
    CASE WHEN item.at BETWEEN clock.now - interval '1 day' AND clock.now + interval '1 day' THEN item.at ELSE clock.now END,
    item.level, item.message, item.fields
FROM clock CROSS JOIN unnest($2::uuid[], $3::integer[], $4::integer[], $5::timestamptz[], $6::text[], $7::text[], $8::text[])
    AS item (task_id, attempt, n, at, level, message, fields)
WHERE
    item.attempt BETWEEN 1 AND coalesce(
        (SELECT tasks.attempt FROM tasks WHERE tasks.id = item.task_id),
        (SELECT task.attempt FROM finished_tasks AS task WHERE task.id = item.task_id AND task.finished_at >= $9::timestamptz)
    )
    AND NOT EXISTS (
        SELECT FROM log_lines AS line
        WHERE
            line.task_id = item.task_id AND line.attempt = item.attempt AND line.n = item.n
            AND line.kept_at >= $9::timestamptz
        OFFSET 0
    )
ON CONFLICT DO NOTHING
