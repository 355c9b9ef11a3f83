-- The rows of attempts that ended, and the one of the task itself: running (no outcome), or the one that ended it. The newest of them,
-- for a task that snoozes without end has any number. One row more for the task if it has none (attempt null); no row: no such
-- task for this account. $3: neither the task nor an attempt of it can have ended before.
WITH found AS (
    SELECT id, attempt, status, NULL::text AS outcome, started_at, NULL::timestamptz AS finished_at, worker, error
    FROM tasks WHERE id = $1::uuid AND account_id = $2
    UNION ALL
    SELECT id, attempt, status, outcome, started_at, finished_at, worker, error
    FROM (SELECT * FROM finished_tasks WHERE id = $1::uuid AND finished_at >= $3::timestamptz OFFSET 0) AS finished
    WHERE account_id = $2
)
SELECT shown.attempt, shown.outcome, shown.started_at, shown.ended_at, shown.worker, shown.error
FROM found LEFT JOIN LATERAL (
    SELECT attempt, outcome, started_at, ended_at, worker, error
    FROM attempts WHERE task_id = found.id AND ended_at >= $3::timestamptz
    UNION ALL
    SELECT
        found.attempt, found.outcome, found.started_at, found.finished_at, found.worker,
        CASE WHEN found.outcome IS NOT NULL THEN found.error END
    WHERE found.status = 'running' OR found.outcome IS NOT NULL
    ORDER BY attempt DESC
    LIMIT $4::integer
) AS shown ON true
ORDER BY shown.attempt
