-- The limits with these keys, [[account, key], …]; with what is needed to say how many tokens there are now.
WITH wanted (account_id, key) AS (SELECT value ->> 0, value ->> 1 FROM json_each(?))
SELECT json_group_array(json_array(
    limits.account_id, limits.key, limits.running, limits.per_second, limits.tokens, limits.filled_at, limits.pinned
))
FROM wanted CROSS JOIN limits ON limits.account_id = wanted.account_id AND limits.key = wanted.key
