-- One account's part of a (queue, type), for lease_firsts.sql. What has expired is left for expire.sql.
SELECT * FROM (
    SELECT ? AS n, tasks.rowid AS place, queue, type, account_id, priority, seq FROM tasks INDEXED BY tasks_ready
    WHERE
        queue = ? AND type = ? AND account_id = ? AND status = 'queued' AND hold IS NULL
        AND (expires_at IS NULL OR expires_at > (SELECT now FROM clock))
    ORDER BY priority DESC, seq LIMIT ?
)
