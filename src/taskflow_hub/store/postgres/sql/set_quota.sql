-- What an account may have; of each number it is said before whether it is given, or stays. How many may run is a limit.
INSERT INTO quotas (account_id, per_minute, per_day, queued, weight)
VALUES ($1::text, $3::integer, $5::integer, $7::integer, $9::double precision)
ON CONFLICT (account_id) DO UPDATE
SET
    per_minute = CASE WHEN $2::boolean THEN excluded.per_minute ELSE quotas.per_minute END,
    per_day = CASE WHEN $4::boolean THEN excluded.per_day ELSE quotas.per_day END,
    queued = CASE WHEN $6::boolean THEN excluded.queued ELSE quotas.queued END,
    weight = CASE WHEN $8::boolean THEN excluded.weight ELSE quotas.weight END
