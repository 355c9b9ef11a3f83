-- A page of what a task has kept, in order: [how many there are, [[place, kind, name, …], …]]. It ends with the row by which results
-- have so many octets together.
WITH asked (task_id, after, rows, octets) AS (VALUES (?, ?, ?, ?)),
line AS (
    SELECT kind, name, octets, row_number() OVER (ORDER BY kept_at, kind, name) AS n
    FROM task_steps WHERE task_id = (SELECT task_id FROM asked)
),
page AS (
    SELECT n, kind, name, sum(octets) OVER (ORDER BY n) - octets AS before
    FROM line WHERE n > (SELECT after FROM asked)
)
SELECT json_array(
    (SELECT count(*) FROM line),
    (
        SELECT json_group_array(json_array(
            n, kind, name, attempt, kept_at, ran_s, wakes_at, decided_at, result
        ))
        FROM (
            SELECT page.n, kept.* FROM asked CROSS JOIN page
            CROSS JOIN task_steps AS kept ON kept.task_id = asked.task_id AND kept.kind = page.kind AND kept.name = page.name
            WHERE page.before < asked.octets AND page.n <= asked.after + asked.rows
            ORDER BY page.n
        )
    )
)
