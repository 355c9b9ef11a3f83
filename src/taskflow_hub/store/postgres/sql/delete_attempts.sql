-- $2: none of these attempts can have ended before.
DELETE FROM attempts WHERE task_id = ANY ($1::uuid[]) AND ended_at >= $2::timestamptz
