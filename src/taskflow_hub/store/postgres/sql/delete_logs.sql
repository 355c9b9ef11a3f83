-- $2: none of these lines can have been kept before.
DELETE FROM log_lines WHERE task_id = ANY ($1::uuid[]) AND kept_at >= $2::timestamptz
