-- The numbers that submits state; what is left out stays, and so does what is pinned.
INSERT INTO limits (account_id, key, running, per_second)
SELECT * FROM (VALUES /*items*/ (?, ?, ?, ?))
WHERE column1 IS NOT NULL
ON CONFLICT DO UPDATE SET
    running = coalesce(excluded.running, running), per_second = coalesce(excluded.per_second, per_second)
WHERE NOT pinned
