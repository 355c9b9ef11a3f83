DELETE FROM rollups WHERE (account_id, minute, queue, type, status) IN (
    SELECT account_id, minute, queue, type, status FROM rollups WHERE minute < ? LIMIT ?
)
