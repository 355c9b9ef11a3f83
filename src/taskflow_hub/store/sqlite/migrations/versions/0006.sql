-- How much waited and ran, and how long that took, over time; and what went wrong lately.

-- The most that was seen in each step: of one account and queue; '' stands for all accounts, and for all queues.
CREATE TABLE samples (
    account_id TEXT NOT NULL,
    queue TEXT NOT NULL,
    step_s INTEGER NOT NULL,                    -- how long the step is, in seconds
    at INTEGER NOT NULL,                        -- its beginning
    queued INTEGER NOT NULL,
    running INTEGER NOT NULL,
    oldest_s REAL,                              -- for how long the oldest queued task had been there; null: none was
    PRIMARY KEY (account_id, queue, step_s, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX samples_by_age ON samples (step_s, at);

-- How long tasks that ended in each step waited and ran, as each process saw it: [[bucket, count], …] (domain/latency.py).
CREATE TABLE durations (
    account_id TEXT NOT NULL,
    queue TEXT NOT NULL,
    step_s INTEGER NOT NULL,
    at INTEGER NOT NULL,
    process TEXT NOT NULL,
    waited TEXT NOT NULL,
    ran TEXT NOT NULL,
    PRIMARY KEY (account_id, queue, step_s, at, process)
) STRICT, WITHOUT ROWID;
CREATE INDEX durations_by_age ON durations (step_s, at);

-- It was taken for dead, and its process has not registered again.
ALTER TABLE workers ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;

CREATE INDEX schedule_fires_missed ON schedule_fires (decided_at) WHERE outcome = 'missed';
CREATE INDEX finished_poison ON finished_tasks (finished_at) WHERE reason = 'poison';
