-- No row: the account has one of that name.
INSERT INTO schedules (
    id, account_id, user_id, name, cron, every_s, timezone, type, template, overlap, catch_up, catch_up_limit, jitter_s,
    starts_at, ends_at, paused_at, origin, application, rev, created_at, updated_at, next_at, waiting_at, last_at
)
VALUES (
    $1::uuid, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
    $14::timestamptz, $15::timestamptz, $16::timestamptz, $17, $18, $19, $20::timestamptz, $21::timestamptz,
    $22::timestamptz, $23::timestamptz, $24::timestamptz
)
ON CONFLICT (account_id, name) DO NOTHING
