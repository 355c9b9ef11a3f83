-- What somebody may change of it, and where that leaves its ticks.
UPDATE schedules SET
    name = $2, cron = $3, every_s = $4, timezone = $5, type = $6, template = $7, overlap = $8, catch_up = $9,
    catch_up_limit = $10, jitter_s = $11, starts_at = $12::timestamptz, ends_at = $13::timestamptz,
    paused_at = $14::timestamptz, rev = $15, updated_at = $16::timestamptz, next_at = $17::timestamptz,
    waiting_at = $18::timestamptz, application = $19
WHERE id = $1::uuid
