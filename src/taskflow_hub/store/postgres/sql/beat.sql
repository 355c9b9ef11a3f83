-- No row: dead or unknown, and then nothing is written.
UPDATE workers
SET beats = beats + 1, last_beat_at = coalesce($1::timestamptz, now()), stuck = $3::text[], loop_lag_s = $4::double precision
WHERE id = $2 AND state <> 'dead'
RETURNING state
