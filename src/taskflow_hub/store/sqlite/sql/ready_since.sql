-- Of the first of each queue, in the order of the ready index: inside a line, whoever waits the longest is among them.
SELECT json_group_array(json_array(queue, since)) FROM (
    SELECT asked.value AS queue, (
        SELECT min(coalesce(run_at, created_at)) FROM (
            SELECT run_at, created_at FROM tasks INDEXED BY tasks_ready
            WHERE status = 'queued' AND hold IS NULL AND queue = asked.value AND account_id = coalesce(?1, account_id)
            LIMIT ?3
        )
    ) AS since
    FROM json_each(?2) AS asked
)
WHERE since IS NOT NULL
