-- A minute may have a row for each shard. Of one account, or of all together: two branches, so that the one goes along its index.
SELECT minute, queue, type, status, sum(count)::bigint AS count
FROM (
    SELECT * FROM rollups WHERE account_id = $1 AND minute >= $2::timestamptz
    UNION ALL
    SELECT * FROM rollups WHERE $1::text IS NULL AND minute >= $2::timestamptz
) AS rollups
GROUP BY minute, queue, type, status
ORDER BY minute, queue, type, status
