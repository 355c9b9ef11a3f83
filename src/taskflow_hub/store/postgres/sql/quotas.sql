-- A page of the accounts that have a quota, by id, after one of them.
SELECT
    named.account_id, quotas.per_minute, quotas.per_day, quotas.queued, limits.running, coalesce(quotas.weight, 1) AS weight
FROM
    (
        SELECT account_id FROM quotas
        UNION
        SELECT substr(key, 9) FROM limits WHERE account_id = '' AND key LIKE 'account:%'
    ) AS named
    LEFT JOIN quotas ON quotas.account_id = ANY (ARRAY[named.account_id])
    LEFT JOIN LATERAL (
        SELECT * FROM limits WHERE limits.account_id = '' AND limits.key = 'account:' || named.account_id OFFSET 0
    ) AS limits ON true
WHERE named.account_id COLLATE "C" > $1::text
ORDER BY named.account_id COLLATE "C"
LIMIT $2::integer
