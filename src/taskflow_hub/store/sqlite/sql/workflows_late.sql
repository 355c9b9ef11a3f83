-- Workflows that have run out of time, the earliest first, each with its root: [workflow, root].
SELECT json_group_array(json_array(id, root_id)) FROM (
    SELECT id, root_id FROM workflows INDEXED BY workflows_deadline
    WHERE status = 'running' AND deadline_at IS NOT NULL AND ending IS NULL AND deadline_at <= ?
    ORDER BY deadline_at LIMIT ?
)
