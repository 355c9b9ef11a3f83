-- For the charts: one upsert per batch, of what `kept` says has ended; in the order of the key, for these are locks, too. $2: the shard.
INSERT INTO rollups (account_id, minute, queue, type, status, shard, count)
SELECT account_id, date_trunc('minute', finished_at), queue, type, status, $2::smallint, count(*)
FROM kept
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5
ON CONFLICT (account_id, minute, queue, type, status, shard) DO UPDATE SET count = rollups.count + excluded.count
