-- Answers the places of those that do not own their task. The time is the store's, so it is put into the document here. Several
-- servers store what one worker said, in any order: what is written has the number of its report, and gives way to a later one only.
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now),
item AS MATERIALIZED (
    SELECT * FROM unnest($2::uuid[], $3::integer[], $4::text[], $5::bigint[]) WITH ORDINALITY AS item (id, attempt, said, report, n)
    ORDER BY id
),
locked AS MATERIALIZED (
    SELECT
        item.n, item.id, item.report,
        left(item.said, -1) || ',"at":"' || to_char(clock.now AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || 'Z"}' AS progress
    FROM clock CROSS JOIN item CROSS JOIN LATERAL (/*lock*/) AS task
    WHERE task.attempt = item.attempt AND task.status = 'running'
),
moved AS (
    UPDATE tasks AS task SET progress = locked.progress, rev = task.rev + 1 FROM locked
    WHERE task.id = ANY (ARRAY[locked.id]) AND coalesce((task.progress::json ->> 'n')::bigint, 0) < locked.report
)
SELECT n FROM item WHERE n NOT IN (SELECT n FROM locked)
