-- For a submit within somebody else's transaction: accounts of tasks to be made that have quotas. Their rows have to be locked after the
-- keys, and what they use be read by a statement after that (trap c of the design); so nothing but keys is taken yet.
quoted AS MATERIALIZED (
    SELECT quotas.account_id
    FROM quotas
    WHERE
        quotas.account_id = ANY (ARRAY(SELECT account_id FROM wanted WHERE n NOT IN (SELECT n FROM answered)))
        AND (quotas.per_minute IS NOT NULL OR quotas.per_day IS NOT NULL OR quotas.queued IS NOT NULL)
),
