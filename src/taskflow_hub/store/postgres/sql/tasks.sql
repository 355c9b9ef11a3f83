-- Both tables in one statement, so that a finish in between hides nothing. $2: none of the tasks can have finished before.
SELECT /*task*/ FROM tasks AS task WHERE task.id = ANY ($1::uuid[])
UNION ALL
SELECT /*finished*/ FROM finished_tasks AS task WHERE task.id = ANY ($1::uuid[]) AND task.finished_at >= $2::timestamptz
