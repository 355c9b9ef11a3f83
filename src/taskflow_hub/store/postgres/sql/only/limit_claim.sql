-- The limits with these keys, locked until our commit; one that is new is there without numbers (and gets some, or limit_drop.sql
-- takes it away again). In one order for all processes.
INSERT INTO limits (account_id, key)
SELECT account_id, key
FROM unnest($1::text[], $2::text[]) AS wanted (account_id, key)
ORDER BY account_id COLLATE "C", key COLLATE "C"
ON CONFLICT (account_id, key) DO UPDATE SET running = limits.running
RETURNING account_id, key, running, per_second, pinned
