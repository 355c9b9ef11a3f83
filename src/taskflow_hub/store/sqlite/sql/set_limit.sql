-- The numbers of a limit, whatever tasks state; of each it is said before whether it is given, or stays.
WITH given (account_id, key, has_running, running, has_per_second, per_second, pinned) AS (VALUES (?, ?, ?, ?, ?, ?, ?))
INSERT INTO limits (account_id, key, running, per_second, pinned)
SELECT account_id, key, running, per_second, pinned FROM given WHERE true
ON CONFLICT DO UPDATE SET
    running = CASE WHEN (SELECT has_running FROM given) THEN excluded.running ELSE limits.running END,
    per_second = CASE WHEN (SELECT has_per_second FROM given) THEN excluded.per_second ELSE limits.per_second END,
    pinned = excluded.pinned
RETURNING json_array(running, per_second)
