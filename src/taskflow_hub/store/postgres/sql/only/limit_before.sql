-- A limit's row as it is, made if there is none, and locked, for who must know what it was before.
INSERT INTO limits (account_id, key) VALUES ($1::text, $2::text)
ON CONFLICT (account_id, key) DO UPDATE SET key = excluded.key
RETURNING account_id, key, running, per_second, pinned
