-- A page of what a task has kept, in order, after so many ($3), at most $4; it ends with the row by which results have $5 octets
-- together. Each row says how many there are in all.
WITH line AS (
    SELECT kind, name, octets, row_number() OVER (ORDER BY kept_at, kind COLLATE "C", name COLLATE "C") AS n, count(*) OVER () AS total
    FROM task_steps WHERE task_id = $2::uuid
),
page AS (
    SELECT n, kind, name, total, sum(octets) OVER (ORDER BY n) - octets AS before FROM line WHERE n > $3::bigint
)
SELECT
    page.n, page.total, step.kind, step.name, step.attempt, step.kept_at, step.ran_s, step.wakes_at, step.decided_at,
    step.result, coalesce($1::timestamptz, now()) AS now
FROM
    page
    CROSS JOIN LATERAL (
        SELECT * FROM task_steps
        WHERE task_steps.task_id = $2::uuid AND task_steps.kind = page.kind AND task_steps.name = page.name
        OFFSET 0
    ) AS step
WHERE page.before < $5::bigint AND page.n <= $3::bigint + $4::bigint
ORDER BY page.n
