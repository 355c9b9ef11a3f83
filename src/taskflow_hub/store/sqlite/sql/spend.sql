-- When each of these buckets is full again, now that something was taken.
INSERT INTO buckets (name, full_at)
SELECT * FROM (VALUES /*items*/ (?, ?))
WHERE column1 IS NOT NULL
ON CONFLICT DO UPDATE SET full_at = excluded.full_at
