-- Workflows past their outcome's retention, oldest first.
SELECT json_group_array(id) FROM (
    SELECT id FROM workflows INDEXED BY workflows_by_age
    WHERE parent_id IS NULL AND status = ? AND finished_at IS NOT NULL AND finished_at < ?
    ORDER BY finished_at LIMIT ?
)
