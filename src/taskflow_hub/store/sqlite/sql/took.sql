-- A first attempt waited since its task was submitted, if nothing else was said; any, since its time, if it had one. Of what came back
-- to the line otherwise, or waited for others of its workflow, it is not known.
SELECT json_group_array(json_array(
    account_id, queue, finished_at,
    started_at - CASE
        WHEN run_at IS NOT NULL THEN min(run_at, started_at)
        WHEN attempt = 1 AND workflow_id IS NULL THEN created_at
    END,
    finished_at - started_at
))
FROM json_each(?) AS item CROSS JOIN finished_tasks AS task ON task.id = item.value
WHERE started_at IS NOT NULL
