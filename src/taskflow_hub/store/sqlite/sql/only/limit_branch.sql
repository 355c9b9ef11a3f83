-- One group's part of limit_first.sql: so many as its limits let start now. What has expired is left for expire.sql.
SELECT * FROM (
    SELECT rowid, queue, type, account_id, priority, seq FROM tasks INDEXED BY tasks_limited_held
    WHERE
        queue = ? AND type = ? AND account_id = ? AND limits = ?
        AND status = 'queued' AND limits IS NOT NULL AND hold <> 'no_worker'
        AND (expires_at IS NULL OR expires_at > (SELECT now FROM clock))
    ORDER BY priority DESC, seq LIMIT ?
)
