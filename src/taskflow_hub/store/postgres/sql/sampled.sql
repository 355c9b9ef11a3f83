-- The time, and whether this minute has its sample.
SELECT clock.now, EXISTS (
    SELECT FROM samples
    WHERE account_id = '' AND queue = '' AND step_s = 60 AND at >= clock.minute AND at < clock.minute + interval '1 minute'
    ORDER BY at
    OFFSET 0
) AS there
FROM (SELECT now, date_trunc('minute', now) AS minute FROM coalesce($1::timestamptz, now()) AS now) AS clock
