-- The time, and whether this minute has its sample.
SELECT clock.now, EXISTS (
    SELECT FROM samples WHERE account_id = '' AND queue = '' AND step_s = 60 AND at = date_trunc('minute', clock.now)
) AS there
FROM (SELECT coalesce($1::timestamptz, now()) AS now) AS clock
