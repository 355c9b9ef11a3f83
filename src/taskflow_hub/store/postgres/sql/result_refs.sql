-- By the index of those that have one. $2: none of the tasks can have finished before.
SELECT result_ref FROM finished_tasks
WHERE id = ANY ($1::uuid[]) AND result_ref IS NOT NULL AND finished_at >= $2::timestamptz
