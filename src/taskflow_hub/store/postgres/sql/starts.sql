-- When finished tasks had started. $2: none of them can have finished before.
SELECT id::text AS id, started_at FROM finished_tasks WHERE id = ANY ($1::uuid[]) AND finished_at >= $2::timestamptz
