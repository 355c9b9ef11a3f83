-- Of every process.
WITH asked (account_id, queues, since, step_s) AS (VALUES (?, ?, ?, ?))
SELECT json_group_array(json_array(at, json(waited), json(ran))) FROM (
    SELECT durations.at, durations.waited, durations.ran
    FROM asked CROSS JOIN json_each(queues) AS queue CROSS JOIN durations
        ON durations.account_id = asked.account_id AND durations.queue = queue.value AND durations.step_s = asked.step_s
        AND durations.at >= since
    ORDER BY durations.at
)
