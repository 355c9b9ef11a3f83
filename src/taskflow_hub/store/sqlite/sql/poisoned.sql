WITH asked (account_id, queues, since) AS (VALUES (?, ?, ?))
SELECT count(*) FROM asked CROSS JOIN finished_tasks AS task INDEXED BY finished_poison
WHERE
    task.reason = 'poison' AND task.finished_at >= since
    AND (asked.account_id IS NULL OR task.account_id = asked.account_id)
    AND (queues IS NULL OR task.queue IN (SELECT value FROM json_each(queues)))
