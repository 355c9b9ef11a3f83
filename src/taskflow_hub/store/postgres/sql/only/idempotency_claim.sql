-- Take the keys that are free or have run out; whoever else wants one waits here for our commit. Those that are answered by now are
-- not returned, but locked, so that no pruner takes them away. In one order for all processes, or two batches would wait
-- for each other.
INSERT INTO idempotency_keys AS kept (account_id, route, key, fingerprint, answer, expires_at)
SELECT wanted.account_id, wanted.route, wanted.key, wanted.fingerprint, wanted.answer, wanted.expires_at
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
    AS wanted (account_id, route, key, fingerprint, answer, expires_at)
ORDER BY wanted.account_id COLLATE "C", wanted.route COLLATE "C", wanted.key COLLATE "C"
ON CONFLICT (account_id, route, key) DO UPDATE
SET fingerprint = excluded.fingerprint, answer = excluded.answer, expires_at = excluded.expires_at
WHERE kept.expires_at <= coalesce($1::timestamptz, now())
RETURNING account_id, route, key
