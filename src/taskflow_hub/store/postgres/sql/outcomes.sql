-- Minute rollups, summed up by step; a minute may have a row for each shard. Of one account, or of all together: two branches, so that
-- the one goes along its index.
SELECT
    date_bin(make_interval(secs => $4::integer), minute, '1970-01-01 00:00:00+00'::timestamptz) AS at,
    type, status, sum(count)::bigint AS count
FROM (
    SELECT * FROM rollups WHERE account_id = $1 AND minute >= $3::timestamptz
    UNION ALL
    SELECT * FROM rollups WHERE $1::text IS NULL AND minute >= $3::timestamptz
) AS rollups
WHERE $2::text[] IS NULL OR queue = ANY ($2::text[])
GROUP BY 1, type, status
ORDER BY 1, type, status
