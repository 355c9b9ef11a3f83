-- No row: the account has one of that name.
INSERT INTO schedules (
    id, account_id, user_id, name, cron, every_s, timezone, type, template, overlap, catch_up, catch_up_limit, jitter_s,
    starts_at, ends_at, paused_at, origin, application, rev, created_at, updated_at, next_at, waiting_at, last_at
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (account_id, name) DO NOTHING
