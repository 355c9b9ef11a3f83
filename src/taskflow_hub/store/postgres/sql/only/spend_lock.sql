-- These buckets, each once, locked until our commit; one that is new is there, and full. In one order for all processes.
INSERT INTO buckets (name, full_at)
SELECT wanted.name, coalesce($1::timestamptz, now())
FROM unnest($2::text[]) AS wanted (name)
ORDER BY wanted.name COLLATE "C"
ON CONFLICT (name) DO UPDATE SET full_at = excluded.full_at WHERE false
