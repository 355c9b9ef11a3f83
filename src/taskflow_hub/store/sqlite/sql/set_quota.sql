-- What an account may have; of each number it is said before whether it is given, or stays. How many may run is a limit.
WITH given (
    account_id, has_per_minute, per_minute, has_per_day, per_day, has_queued, queued, has_weight, weight
) AS (VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?))
INSERT INTO quotas (account_id, per_minute, per_day, queued, weight)
SELECT account_id, per_minute, per_day, queued, weight FROM given WHERE true
ON CONFLICT DO UPDATE SET
    per_minute = CASE WHEN (SELECT has_per_minute FROM given) THEN excluded.per_minute ELSE quotas.per_minute END,
    per_day = CASE WHEN (SELECT has_per_day FROM given) THEN excluded.per_day ELSE quotas.per_day END,
    queued = CASE WHEN (SELECT has_queued FROM given) THEN excluded.queued ELSE quotas.queued END,
    weight = CASE WHEN (SELECT has_weight FROM given) THEN excluded.weight ELSE quotas.weight END
