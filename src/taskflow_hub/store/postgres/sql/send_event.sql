-- The time is that of this very moment, for the transaction may have waited for the task's lock while a wait ran out.
INSERT INTO task_events (task_id, name, payload, sent_at)
VALUES ($2::uuid, $3, $4, coalesce($1::timestamptz, clock_timestamp()))
RETURNING sent_at
