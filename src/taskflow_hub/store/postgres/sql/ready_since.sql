-- Of the first of each queue, in the order of the ready index: inside a line, whoever waits the longest is among them.
SELECT asked.queue, min(coalesce(first.run_at, first.created_at)) AS since
FROM unnest($2::text[]) AS asked (queue) CROSS JOIN LATERAL (
    SELECT run_at, created_at FROM tasks
    WHERE
        tasks.status = 'queued' AND tasks.hold IS NULL AND tasks.queue = asked.queue
        AND ($1::text IS NULL OR tasks.account_id = $1::text)
    ORDER BY tasks.queue, tasks.type, tasks.priority, tasks.account_id, tasks.seq
    LIMIT $3::bigint
) AS first
GROUP BY asked.queue
