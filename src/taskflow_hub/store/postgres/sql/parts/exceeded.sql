-- For a submit within somebody else's transaction: what the accounts may have whose rows are locked, what they have used, and how much is
-- coming; and which of them may not have so much.
used AS MATERIALIZED (
    SELECT
        asked.account_id, asked.per_minute, asked.per_day, asked.queued, coming.tasks,
        date_trunc('minute', statement_timestamp(), 'UTC') AS minute, date_trunc('day', statement_timestamp(), 'UTC') AS day,
        CASE
            WHEN asked.minute = date_trunc('minute', statement_timestamp(), 'UTC') THEN asked.in_minute ELSE 0
        END AS in_minute,
        CASE WHEN asked.day = date_trunc('day', statement_timestamp(), 'UTC') THEN asked.in_day ELSE 0 END AS in_day,
        CASE
            WHEN asked.queued IS NOT NULL THEN
                (SELECT count(*) FROM (/*account_waiting*/ LIMIT asked.queued::bigint + 1) AS waiting)
        END AS waiting
    FROM
        (SELECT account_id, count(*) AS tasks FROM wanted WHERE n NOT IN (SELECT n FROM answered) GROUP BY account_id) AS coming
        JOIN quotas AS asked ON asked.account_id = ANY (ARRAY[coming.account_id])
        JOIN go ON go.ahead
),
exceeded AS MATERIALIZED (
    SELECT
        account_id, per_minute, per_day, queued, in_minute, in_day, waiting,
        extract(epoch FROM statement_timestamp())::double precision AS at_s
    FROM used
    WHERE in_minute + tasks > per_minute OR in_day + tasks > per_day OR waiting + tasks > queued
),
