-- Oldest first.
SELECT id::text AS id, account_id, action, filter, status, total, done, skipped, created_at, finished_at, cursor
FROM bulks WHERE status = 'running'
ORDER BY created_at, bulks.id
