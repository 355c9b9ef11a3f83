-- failed, cancelled → queued, at the end of the line, as if new; after revive.sql. `attempt` never goes back.
WITH line (first, now) AS (VALUES (?, ?))
UPDATE tasks
SET
    status = 'queued', seq = line.first + item.key, rev = rev + 1,
    retry_count = 0, crashes = 0, transits = 0, missing = 0,
    run_at = NULL, started_at = NULL, finished_at = NULL, leased_at = NULL, cancel_requested_at = NULL,
    expires_at = CASE WHEN expires_at > line.now THEN expires_at END,
    worker = NULL, taken = NULL, hold = NULL,
    outcome = NULL, ended_by = NULL, reason = NULL, error = NULL, fingerprint = NULL, progress = NULL, result = NULL, result_ref = NULL
FROM json_each(?) AS item, line
WHERE tasks.id = item.value
