-- For a submit within somebody else's transaction: the limits of each task that will be made, with the numbers they have, and whether
-- it, or a task before it, states any; and those that have none and are given none.
named AS MATERIALIZED (
    SELECT
        item.*, known.key IS NOT NULL AS known, known.running AS was_running, known.per_second AS was_per_second,
        coalesce(known.pinned, false) AS pinned,
        coalesce(bool_or(item.running IS NOT NULL OR item.per_second IS NOT NULL) OVER before, false) AS stated
    FROM
        given
        CROSS JOIN LATERAL json_to_recordset(given.doc -> 'limits') AS item (
            n integer, place integer, account_id text, key text, running integer, per_second double precision
        )
        LEFT JOIN limits AS known ON known.account_id = ANY (ARRAY[item.account_id]) AND known.key = item.key
    WHERE item.n NOT IN (SELECT n FROM answered)
    WINDOW before AS (PARTITION BY item.account_id, item.key ORDER BY item.n)
),
unnumbered AS MATERIALIZED (
    SELECT n, place FROM named WHERE NOT known AND NOT stated
)
