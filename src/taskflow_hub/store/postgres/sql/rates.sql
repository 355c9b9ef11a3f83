-- A minute may have a row for each shard.
SELECT minute, queue, type, status, sum(count)::bigint AS count
FROM rollups
WHERE account_id = $1 AND minute >= $2::timestamptz
GROUP BY minute, queue, type, status
ORDER BY minute, queue, type, status
