-- Of what is taken `back` from the finished tasks, that which had failed: it is no failure any more. `here`: the shard.
INSERT INTO failures AS there (account_id, fingerprint, queue, hour, shard, type, gone)
SELECT account_id, fingerprint, queue, date_trunc('hour', finished_at, 'UTC'), here.shard, min(type), count(*)
FROM back CROSS JOIN here
WHERE fingerprint IS NOT NULL
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5
ON CONFLICT (account_id, fingerprint, queue, hour, shard) DO UPDATE SET gone = there.gone + excluded.gone
