DELETE FROM durations WHERE (account_id, queue, step_s, at, process) IN (
    SELECT account_id, queue, step_s, at, process FROM durations WHERE step_s = ? AND at < ? LIMIT ?
)
