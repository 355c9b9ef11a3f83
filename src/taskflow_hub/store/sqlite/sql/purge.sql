-- Oldest first: ids are in order of time, and along the primary key the walk ends at the limit.
SELECT json_group_array(id) FROM (
    SELECT id FROM tasks
    WHERE queue = ? AND account_id = ? AND status IN ('scheduled', 'blocked', 'queued')
    ORDER BY id LIMIT ?
)
