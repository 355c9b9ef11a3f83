-- Of queues that have such numbers: how many tasks wait in them, each part by an index of its own, and how many run, which are as few rows
-- as there are slots.
SELECT json_group_array(json_object('name', name, 'waiting', waiting, 'active', active)) FROM (
    SELECT
        queues.name,
        CASE
            WHEN max_size IS NOT NULL THEN
                (
                    SELECT count(*) FROM tasks INDEXED BY tasks_ready
                    WHERE queue = queues.name AND status = 'queued' AND hold IS NULL
                ) + (
                    SELECT count(*) FROM tasks INDEXED BY tasks_held
                    WHERE queue = queues.name AND status = 'queued' AND hold IS NOT NULL
                ) + (
                    SELECT count(*) FROM tasks INDEXED BY tasks_scheduled
                    WHERE queue = queues.name AND status = 'scheduled'
                )
        END AS waiting,
        CASE
            WHEN limits.running IS NOT NULL THEN
                (SELECT count(*) FROM tasks INDEXED BY tasks_running WHERE queue = queues.name AND status = 'running')
        END AS active
    FROM queues LEFT JOIN limits ON limits.account_id = '' AND limits.key = 'queue:' || queues.name
    WHERE max_size IS NOT NULL OR limits.running IS NOT NULL
)
