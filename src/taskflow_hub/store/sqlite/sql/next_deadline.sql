-- When the next workflow runs out of time; null: none has a deadline.
SELECT min(deadline_at) FROM workflows INDEXED BY workflows_deadline
WHERE status = 'running' AND deadline_at IS NOT NULL AND ending IS NULL
