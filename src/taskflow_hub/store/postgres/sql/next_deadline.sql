-- In how many seconds the next workflow runs out of time; null: none has a deadline.
SELECT extract(epoch FROM min(deadline_at) - coalesce($1::timestamptz, now()))::double precision
FROM workflows
WHERE status = 'running' AND deadline_at IS NOT NULL AND ending IS NULL
