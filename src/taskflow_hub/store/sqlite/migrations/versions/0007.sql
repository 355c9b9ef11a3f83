-- Failures by what went wrong (docs/adr/0112).

-- Of a task that failed; null: nobody has looked at it yet (it failed under an older version), and the pruner will. Last in both
-- tables, for a finish copies the row as it is.
ALTER TABLE tasks ADD COLUMN fingerprint TEXT;
ALTER TABLE finished_tasks ADD COLUMN fingerprint TEXT;
CREATE INDEX finished_by_fingerprint ON finished_tasks (fingerprint, account_id, id) WHERE status = 'failed';

-- How many failed in an hour, and how many of these are failed no more: they were run again, or removed.
CREATE TABLE failures (
    account_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    queue TEXT NOT NULL,
    hour INTEGER NOT NULL,                      -- its start
    type TEXT NOT NULL,
    failed INTEGER NOT NULL DEFAULT 0,
    gone INTEGER NOT NULL DEFAULT 0,
    first_at INTEGER,
    last_at INTEGER,
    last_task_id TEXT,
    PRIMARY KEY (account_id, fingerprint, queue, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX failures_by_hour ON failures (account_id, hour);
CREATE INDEX failures_over ON failures (hour) WHERE failed = gone;
