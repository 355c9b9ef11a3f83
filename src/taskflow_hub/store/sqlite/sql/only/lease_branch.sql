-- One pair's part of lease_scan.sql. What has expired is left for expire.sql.
SELECT tasks.rowid, priority, seq FROM tasks INDEXED BY tasks_ready
WHERE
    queue = ? AND type = ? AND status = 'queued' AND hold IS NULL
    AND (expires_at IS NULL OR expires_at > (SELECT now FROM clock))
