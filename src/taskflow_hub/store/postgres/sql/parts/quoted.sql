-- For a submit within somebody else's transaction: whose accounts have quotas. Their rows have to be locked first, and what they use be
-- read by a statement after that (trap c of the design); so nothing is done yet.
quoted AS MATERIALIZED (
    SELECT quotas.account_id
    FROM quotas
    WHERE
        quotas.account_id IN (SELECT account_id FROM wanted)
        AND (quotas.per_minute IS NOT NULL OR quotas.per_day IS NOT NULL OR quotas.queued IS NOT NULL)
),
