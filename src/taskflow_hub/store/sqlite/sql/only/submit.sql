-- A repeated call finds its ids here already and changes nothing; ids that have finished by now are sorted out before (submit.py).
INSERT INTO tasks (
    id, status, type, queue, priority, seq, expires_at, timeout, max_retries, created_at, tags, traceparent,
    account_id, user_id, run_at, retry, unrouted, unique_key, parent_id, schedule_id, workflow_id, limits
)
SELECT * FROM (
    VALUES /*items*/ (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
)
WHERE column1 IS NOT NULL
ON CONFLICT (id) DO NOTHING
