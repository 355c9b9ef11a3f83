-- Of queues that have such numbers: how many tasks wait in them, each part by an index of its own, and how many run, which are as few rows
-- as there are slots.
SELECT
    queues.name,
    CASE
        WHEN queues.max_size IS NOT NULL THEN
            (
                SELECT count(*) FROM tasks
                WHERE tasks.queue = queues.name AND tasks.status = 'queued' AND tasks.hold IS NULL
            ) + (
                SELECT count(*) FROM tasks
                WHERE tasks.queue = queues.name AND tasks.status = 'queued' AND tasks.hold IS NOT NULL
            ) + (
                SELECT count(*) FROM tasks
                WHERE tasks.queue = queues.name AND tasks.status = 'scheduled'
            )
    END AS waiting,
    CASE
        WHEN limits.running IS NOT NULL THEN
            (SELECT count(*) FROM tasks WHERE tasks.queue = queues.name AND tasks.status = 'running')
    END AS active
FROM
    queues
    LEFT JOIN LATERAL (
        SELECT * FROM limits WHERE limits.account_id = '' AND limits.key = 'queue:' || queues.name OFFSET 0
    ) AS limits ON true
WHERE queues.max_size IS NOT NULL OR limits.running IS NOT NULL
