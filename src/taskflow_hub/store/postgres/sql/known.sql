-- Which of these ids exist, live or finished, in one statement, so that a finish in between hides nothing. $2: none of them can
-- have finished before.
SELECT id::text AS id FROM tasks WHERE id = ANY ($1::uuid[])
UNION ALL
SELECT id::text AS id FROM finished_tasks WHERE id = ANY ($1::uuid[]) AND finished_at >= $2::timestamptz
