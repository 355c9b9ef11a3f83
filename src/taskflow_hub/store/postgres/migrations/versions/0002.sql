-- Limits: how many tasks that name one key may run at a time, or start per second.

-- JSON, the keys in order; null: the task has no limits.
ALTER TABLE tasks ADD COLUMN limits text;
ALTER TABLE finished_tasks ADD COLUMN limits text;

-- What may be running or start is counted when it is asked for, from the tasks themselves; only rates have to remember. Whoever
-- leases locks the rows of the keys he takes something of.
CREATE TABLE limits (
    account_id text NOT NULL,
    key text NOT NULL,
    running integer,                            -- how many may run at a time; null: any number
    per_second double precision,                -- how many may start; null: any number
    tokens double precision,                    -- starts that were left at filled_at; null: never started one
    filled_at timestamptz,
    PRIMARY KEY (account_id, key)
) WITH (fillfactor = 50);

-- Both are empty where there are no limits.
CREATE INDEX IF NOT EXISTS tasks_limited_running ON tasks (account_id, limits) WHERE status = 'running' AND limits IS NOT NULL;
CREATE INDEX IF NOT EXISTS tasks_limited_held ON tasks (queue, type, account_id, limits, priority DESC, seq)
    WHERE status = 'queued' AND limits IS NOT NULL AND hold <> 'no_worker';
