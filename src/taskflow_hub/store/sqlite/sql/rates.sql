-- Of one account, or of all together: two branches, so that the one goes along its index.
SELECT json_group_array(json_array(minute, queue, type, status, count)) FROM (
    SELECT minute, queue, type, status, sum(count) AS count FROM (
        SELECT * FROM rollups WHERE account_id = ? AND minute >= ?
        UNION ALL
        SELECT * FROM rollups WHERE ? IS NULL AND minute >= ?
    )
    GROUP BY minute, queue, type, status
    ORDER BY minute, queue, type, status
)
