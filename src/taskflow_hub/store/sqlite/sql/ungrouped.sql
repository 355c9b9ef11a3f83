-- Failed tasks that have no fingerprint yet: [id, type, reason, error].
SELECT json_group_array(json_array(id, type, reason, json(error))) FROM (
    SELECT id, type, reason, error FROM finished_tasks INDEXED BY finished_by_fingerprint
    WHERE status = 'failed' AND fingerprint IS NULL
    ORDER BY account_id, id LIMIT ?
)
