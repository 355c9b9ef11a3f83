-- Failures by what went wrong (docs/adr/0112).

-- Of a task that failed; null: nobody has looked at it yet (it failed under an older version), and the pruner will.
ALTER TABLE finished_tasks ADD COLUMN fingerprint text;

-- Where many tasks have failed, it may be made before, day by day (docs/adr/0040).
CREATE INDEX IF NOT EXISTS finished_failed_fingerprint ON finished_failed (fingerprint, account_id, id);

-- How many failed in an hour, and how many of these are failed no more: they were run again, or removed. An hour's rows go when its
-- day of failed tasks goes. `shard`: as in rollups. A row that only takes away has no times.
CREATE TABLE failures (
    account_id text NOT NULL,
    fingerprint text NOT NULL,
    queue text NOT NULL,
    hour timestamptz NOT NULL,                  -- its start
    shard smallint NOT NULL,
    type text NOT NULL,
    failed integer NOT NULL DEFAULT 0,          -- no bigint: sums of those are slow
    gone integer NOT NULL DEFAULT 0,
    first_at timestamptz,
    last_at timestamptz,
    last_task_id uuid,
    PRIMARY KEY (account_id, fingerprint, queue, hour, shard)
) WITH (fillfactor = 50);
CREATE INDEX failures_by_hour ON failures (account_id, hour);
