-- The numbers of a limit, whatever tasks state; of each it is said before whether it is given, or stays.
INSERT INTO limits (account_id, key, running, per_second, pinned)
VALUES ($1::text, $2::text, $4::integer, $6::double precision, $7::boolean)
ON CONFLICT (account_id, key) DO UPDATE
SET
    running = CASE WHEN $3::boolean THEN excluded.running ELSE limits.running END,
    per_second = CASE WHEN $5::boolean THEN excluded.per_second ELSE limits.per_second END,
    pinned = excluded.pinned
RETURNING account_id, key, running, per_second, pinned
