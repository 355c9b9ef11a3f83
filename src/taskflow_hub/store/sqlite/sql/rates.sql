SELECT json_group_array(json_array(minute, queue, type, status, count)) FROM (
    SELECT minute, queue, type, status, count FROM rollups
    WHERE account_id = ? AND minute >= ?
    ORDER BY minute, queue, type, status
)
