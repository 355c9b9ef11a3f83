-- Both tables in one statement, so that a finish in between hides nothing. No row: no such task for this account. $3: the task cannot
-- have finished before. By the id and by nothing else (OFFSET 0): given more, a planner without statistics of a new day walks
-- another index.
SELECT /*task*/ FROM tasks AS task WHERE task.id = $1::uuid AND task.account_id = $2
UNION ALL
SELECT /*finished*/
FROM (SELECT * FROM finished_tasks WHERE id = $1::uuid AND finished_at >= $3::timestamptz OFFSET 0) AS task
WHERE task.account_id = $2
