-- What an account may have. There is a row for every account.
SELECT quotas.per_minute, quotas.per_day, quotas.queued, limits.running, coalesce(quotas.weight, 1) AS weight
FROM
    (SELECT $1::text AS account_id OFFSET 0) AS asked
    LEFT JOIN quotas ON quotas.account_id = ANY (ARRAY[asked.account_id])
    LEFT JOIN LATERAL (
        SELECT * FROM limits WHERE limits.account_id = '' AND limits.key = 'account:' || asked.account_id OFFSET 0
    ) AS limits ON true
