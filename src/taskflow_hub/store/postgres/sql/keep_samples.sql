-- In the order of the key, for these are locks, too. Whoever writes the same step again, or a later sample of it, only raises it.
INSERT INTO samples (account_id, queue, step_s, at, queued, running, oldest_s)
SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::double precision[])
    AS item (account_id, queue, step_s, at, queued, running, oldest_s)
ORDER BY account_id, queue, step_s, at
ON CONFLICT (account_id, queue, step_s, at) DO UPDATE SET
    queued = greatest(samples.queued, excluded.queued), running = greatest(samples.running, excluded.running),
    oldest_s = greatest(samples.oldest_s, excluded.oldest_s)
