-- The quotas of these accounts, whose rows are locked, and what of them is used; at a time that is later than that lock. What waits is
-- counted to one above what may.
SELECT
    asked.account_id, asked.per_minute, asked.per_day, asked.queued, asked.minute, asked.in_minute, asked.day, asked.in_day,
    coalesce($1::timestamptz, clock_timestamp()) AS at, set_config('lock_timeout', $3::text, true),
    CASE
        WHEN asked.queued IS NOT NULL THEN
            (SELECT count(*) FROM (/*account_waiting*/ LIMIT asked.queued::bigint + 1) AS waiting)
    END AS waiting
FROM quotas AS asked
WHERE asked.account_id = ANY ($2::text[])
