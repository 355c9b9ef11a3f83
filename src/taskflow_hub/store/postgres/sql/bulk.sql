SELECT id::text AS id, account_id, action, filter, status, total, done, skipped, created_at, finished_at, cursor
FROM bulks WHERE id = $1::uuid AND account_id = coalesce($2, account_id)
