-- failed, cancelled, skipped → blocked, as if new; after revive.sql has brought the row back. `attempt` never goes back.
UPDATE tasks
SET
    status = 'blocked', seq = NULL, rev = rev + 1, retry_count = 0, crashes = 0, transits = 0, missing = 0,
    run_at = NULL, started_at = NULL, finished_at = NULL, leased_at = NULL, cancel_requested_at = NULL,
    worker = NULL, taken = NULL, hold = NULL,
    outcome = NULL, ended_by = NULL, reason = NULL, error = NULL, fingerprint = NULL, progress = NULL, result = NULL, result_ref = NULL
WHERE id IN (SELECT value FROM json_each(?))
