-- A page of the accounts that have a quota, by id, after one of them.
WITH named (account_id) AS (
    SELECT account_id FROM quotas
    UNION
    SELECT substr(key, 9) FROM limits WHERE account_id = '' AND key >= 'account:' AND key < 'account;'
)
SELECT json_group_array(json_array(account_id, per_minute, per_day, queued, running, weight)) FROM (
    SELECT
        named.account_id, quotas.per_minute, quotas.per_day, quotas.queued, limits.running, coalesce(quotas.weight, 1) AS weight
    FROM
        named
        LEFT JOIN quotas ON quotas.account_id = named.account_id
        LEFT JOIN limits ON limits.account_id = '' AND limits.key = 'account:' || named.account_id
    WHERE named.account_id > ?
    ORDER BY named.account_id
    LIMIT ?
)
