-- Twice with the same id is one registration: a row comes back for the first.
INSERT INTO workers (id, name, host, pid, version, state, slots, "window", queues, types, registered_at, last_beat_at)
SELECT
    $2::text, $3::text, $4::text, $5::integer, $6::text, 'alive', $7::integer, $8::integer, $9::text[], $10::text[],
    clock.now, clock.now
FROM (SELECT coalesce($1::timestamptz, now()) AS now) AS clock
ON CONFLICT DO NOTHING
