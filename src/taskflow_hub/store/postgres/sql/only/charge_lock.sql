-- These buckets, locked until our commit; one that is new has been full for ever. In one order for all processes, as spend_lock.
INSERT INTO buckets (name, full_at)
SELECT wanted.name, '-infinity'
FROM unnest($1::text[]) AS wanted (name)
ORDER BY wanted.name COLLATE "C"
ON CONFLICT (name) DO UPDATE SET full_at = excluded.full_at WHERE false
