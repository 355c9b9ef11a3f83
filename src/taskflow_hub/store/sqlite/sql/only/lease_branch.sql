-- One account's part of a (queue, type), for lease_scan.sql. What has expired is left for expire.sql.
SELECT tasks.rowid, priority, seq FROM tasks INDEXED BY tasks_ready
WHERE
    queue = ? AND type = ? AND account_id = ? AND status = 'queued' AND hold IS NULL
    AND (expires_at IS NULL OR expires_at > (SELECT now FROM clock))
