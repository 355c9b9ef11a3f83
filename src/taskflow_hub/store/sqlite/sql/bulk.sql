SELECT json_array(
    id, account_id, action, json(filter), status, total, done, skipped, created_at, finished_at, cursor
)
FROM bulks WHERE id = ? AND account_id = coalesce(?, account_id)
