-- For the page of failures: what `kept` says has failed, by group, queue and hour; in the order of the key, for these are locks, too.
-- $2: the shard.
INSERT INTO failures AS there (
    account_id, fingerprint, queue, hour, shard, type, failed, first_at, last_at, last_task_id
)
SELECT
    account_id, fingerprint, queue, date_trunc('hour', finished_at, 'UTC'), $2::smallint, min(type), count(*), min(finished_at),
    max(finished_at), (array_agg(id ORDER BY finished_at DESC, id DESC))[1]
FROM kept
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
ON CONFLICT (account_id, fingerprint, queue, hour, shard) DO UPDATE
SET
    failed = there.failed + excluded.failed,
    first_at = least(there.first_at, excluded.first_at),
    last_at = greatest(there.last_at, excluded.last_at),
    last_task_id = CASE WHEN there.last_at > excluded.last_at THEN there.last_task_id ELSE excluded.last_task_id END
