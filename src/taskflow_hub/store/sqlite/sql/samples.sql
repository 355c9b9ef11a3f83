-- Where anybody has looked there is a row for all together; what has none of its own then was not there.
WITH asked (account_id, queues, since, step_s) AS (VALUES (?, ?, ?, ?))
SELECT json_group_array(json_array(at, queued, running, oldest_s)) FROM (
    SELECT
        looked.at, coalesce(sum(own.queued), 0) AS queued, coalesce(sum(own.running), 0) AS running,
        max(own.oldest_s) AS oldest_s
    FROM asked CROSS JOIN samples AS looked LEFT JOIN samples AS own
        ON own.account_id = asked.account_id AND own.queue IN (SELECT value FROM json_each(queues))
        AND own.step_s = asked.step_s AND own.at = looked.at
    WHERE looked.account_id = '' AND looked.queue = '' AND looked.step_s = asked.step_s AND looked.at >= since
    GROUP BY looked.at
    ORDER BY looked.at
)
