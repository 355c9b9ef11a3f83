-- A first attempt waited since its task was submitted, if nothing else was said; any, since its time, if it had one. Of what came back
-- to the line otherwise, or waited for others of its workflow, it is not known. $2: none of the tasks can have finished before.
SELECT
    account_id, queue, finished_at AS ended_at,
    extract(epoch FROM started_at - CASE
        WHEN run_at IS NOT NULL THEN least(run_at, started_at)
        WHEN attempt = 1 AND workflow_id IS NULL THEN created_at
    END)::double precision AS waited_s,
    extract(epoch FROM finished_at - started_at)::double precision AS ran_s
FROM finished_tasks
WHERE id = ANY ($1::uuid[]) AND finished_at >= $2::timestamptz AND started_at IS NOT NULL
