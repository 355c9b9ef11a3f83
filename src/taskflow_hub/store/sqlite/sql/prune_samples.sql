DELETE FROM samples WHERE (account_id, queue, step_s, at) IN (
    SELECT account_id, queue, step_s, at FROM samples WHERE step_s = ? AND at < ? LIMIT ?
)
