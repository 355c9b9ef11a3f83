-- Limits: how many tasks that name one key may run at a time, or start per second.

-- JSON, the keys in order; null: the task has no limits. Last in both tables, for a finish copies the row as it is.
ALTER TABLE tasks ADD COLUMN limits TEXT;
ALTER TABLE finished_tasks ADD COLUMN limits TEXT;

-- What may be running or start is counted when it is asked for, from the tasks themselves; only rates have to remember.
CREATE TABLE limits (
    account_id TEXT NOT NULL,
    key TEXT NOT NULL,
    running INTEGER,                            -- how many may run at a time; null: any number
    per_second REAL,                            -- how many may start; null: any number
    tokens REAL,                                -- starts that were left at filled_at; null: never started one
    filled_at INTEGER,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

-- All three are empty where there are no limits, and nobody waits for a worker.
CREATE INDEX tasks_limited_running ON tasks (account_id, limits) WHERE status = 'running' AND limits IS NOT NULL;
CREATE INDEX tasks_limited_held ON tasks (queue, type, account_id, limits, priority DESC, seq)
    WHERE status = 'queued' AND limits IS NOT NULL AND hold <> 'no_worker';
CREATE INDEX tasks_unserved ON tasks (queue, type, priority DESC, seq) WHERE status = 'queued' AND hold = 'no_worker';
