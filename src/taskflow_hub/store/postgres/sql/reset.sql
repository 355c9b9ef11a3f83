-- skipped → blocked; answers their ids. $2: none of them can have been skipped before.
WITH locked AS MATERIALIZED (
    SELECT id FROM finished_tasks
    WHERE id = ANY ($1::uuid[]) AND status = 'skipped' AND finished_at >= $2::timestamptz
    ORDER BY id
    FOR UPDATE
),
back AS (
    DELETE FROM finished_tasks AS task USING locked
    WHERE task.id = ANY (ARRAY[locked.id]) AND task.status = 'skipped' AND task.finished_at >= $2::timestamptz
    RETURNING task.*
)
INSERT INTO tasks (/*carried*/, status, rev, crashes, started_at, error)
SELECT /*carried*/, 'blocked', rev + 1, crashes, started_at, error
FROM back
RETURNING id::text AS id
