-- What an account may have, what it has submitted in which minute and on which day, and how many of its tasks wait (counted to one
-- above what may, if that is said) and run. There is a row for every account.
SELECT
    quotas.per_minute, quotas.per_day, quotas.queued, limits.running, coalesce(quotas.weight, 1) AS weight,
    quotas.minute, coalesce(quotas.in_minute, 0) AS in_minute, quotas.day, coalesce(quotas.in_day, 0) AS in_day,
    coalesce($1::timestamptz, now()) AS at,
    CASE
        WHEN quotas.queued IS NOT NULL THEN
            (SELECT count(*) FROM (/*account_waiting*/ LIMIT quotas.queued::bigint + 1) AS waiting)
    END AS waiting,
    (SELECT count(*) FROM tasks WHERE tasks.status = 'running' AND tasks.account_id = asked.account_id) AS active
FROM
    (SELECT $2::text AS account_id OFFSET 0) AS asked
    LEFT JOIN quotas ON quotas.account_id = ANY (ARRAY[asked.account_id])
    LEFT JOIN LATERAL (
        SELECT * FROM limits WHERE limits.account_id = '' AND limits.key = 'account:' || asked.account_id OFFSET 0
    ) AS limits ON true
