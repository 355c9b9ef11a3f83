-- Which of these ids have finished, and how. $2: none of them can have done so before.
SELECT id::text AS id, status, queue FROM finished_tasks WHERE id = ANY ($1::uuid[]) AND finished_at >= $2::timestamptz
