-- Minute rollups, summed up by step. Of one account, or of all together: two branches, so that the one goes along its index.
WITH asked (account_id, queues, since, step) AS (VALUES (?, ?, ?, ?))
SELECT json_group_array(json_array(at, type, status, count)) FROM (
    SELECT minute - minute % step AS at, type, status, sum(count) AS count FROM (
        SELECT minute, queue, type, status, count, step, queues
        FROM asked CROSS JOIN rollups WHERE rollups.account_id = asked.account_id AND minute >= since
        UNION ALL
        SELECT minute, queue, type, status, count, step, queues
        FROM asked CROSS JOIN rollups WHERE asked.account_id IS NULL AND minute >= since
    )
    WHERE queues IS NULL OR queue IN (SELECT value FROM json_each(queues))
    GROUP BY 1, type, status
    ORDER BY 1, type, status
)
