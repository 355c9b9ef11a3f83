-- The rows of attempts that ended, and the one of the task itself: running (no outcome), or the one that ended it. The newest of them,
-- for a task that snoozes without end has any number.
WITH wanted (id, account_id, "limit") AS (VALUES (?, ?, ?)),
found AS (
    SELECT id, attempt, status, outcome, started_at, finished_at, worker, error
    FROM tasks WHERE (id, account_id) = (SELECT id, account_id FROM wanted)
    UNION ALL
    SELECT id, attempt, status, outcome, started_at, finished_at, worker, error
    FROM finished_tasks WHERE (id, account_id) = (SELECT id, account_id FROM wanted)
)
SELECT '[' || coalesce((
    SELECT group_concat(json_array(attempt, outcome, started_at, ended_at, worker, json(error))) FROM (
        SELECT * FROM (
            SELECT attempt, outcome, started_at, ended_at, worker, error FROM attempts WHERE task_id = found.id
            UNION ALL
            SELECT attempt, outcome, started_at, finished_at, worker, CASE WHEN outcome IS NOT NULL THEN error END
            FROM found AS last WHERE status = 'running' OR outcome IS NOT NULL
            ORDER BY attempt DESC
            LIMIT (SELECT "limit" FROM wanted)
        )
        ORDER BY attempt
    )
), '') || ']'
FROM found
