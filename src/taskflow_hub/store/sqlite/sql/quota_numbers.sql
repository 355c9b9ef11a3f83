-- What an account may have. There is a row for every account.
WITH asked (account_id) AS (VALUES (?))
SELECT json_array(per_minute, per_day, queued, limits.running, coalesce(weight, 1))
FROM
    asked
    LEFT JOIN quotas ON quotas.account_id = asked.account_id
    LEFT JOIN limits ON limits.account_id = '' AND limits.key = 'account:' || asked.account_id
