-- Lines after (attempt, n), in order; one row of nulls if there are none; no row: no such task for this account. $3: the task
-- cannot have finished before; a line's day may be one earlier, for it goes by the worker's clock.
WITH found AS (
    SELECT id FROM tasks WHERE id = $1::uuid AND account_id = $2
    UNION ALL
    SELECT id
    FROM (SELECT * FROM finished_tasks WHERE id = $1::uuid AND finished_at >= $3::timestamptz OFFSET 0) AS finished
    WHERE account_id = $2
)
SELECT line.attempt, line.n, line.at, line.level, line.message, line.fields
FROM found LEFT JOIN LATERAL (
    SELECT attempt, n, at, level, message, fields FROM log_lines
    WHERE
        task_id = found.id AND (attempt, n) > ($4::integer, $5::integer)
        AND kept_at >= $3::timestamptz - interval '1 day'
    ORDER BY attempt, n
    LIMIT $6::bigint
) AS line ON true
ORDER BY line.attempt, line.n
