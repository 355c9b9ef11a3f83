-- How much a registration may change, every unfinished task of it locked in the order of ids before the first is touched: what was
-- counted for the process's previous self ($1), what that still runs, and what waits for a home ($2: types). Whoever is just ending
-- one of its attempts is waited for, so that the statements after this one see what came of it.
WITH touched AS MATERIALIZED (
    SELECT task_id AS id FROM attempts WHERE worker = $1::text AND crashed
    UNION ALL
    SELECT id FROM tasks WHERE worker = $1::text AND status = 'running'
    UNION ALL
    SELECT id FROM tasks WHERE unrouted AND type = ANY ($2::text[])
)
SELECT count(*) + (SELECT count(*) FROM touched)
FROM (SELECT tasks.id FROM tasks WHERE tasks.id = ANY (ARRAY(SELECT touched.id FROM touched)) ORDER BY tasks.id FOR UPDATE) AS locked
