-- Those whose time has come, earliest first.
SELECT json_group_array(id) FROM (
    SELECT id FROM tasks INDEXED BY tasks_scheduled
    WHERE status = 'scheduled' AND run_at <= ?
    ORDER BY run_at, rowid LIMIT ?
)
