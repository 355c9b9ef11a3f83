-- How much waited and ran, and how long that took, over time; and what went wrong lately.

-- The most that was seen in each step: of one account and queue; '' stands for all accounts, and for all queues.
CREATE TABLE samples (
    account_id text NOT NULL,
    queue text NOT NULL,
    step_s integer NOT NULL,                    -- how long the step is, in seconds
    at timestamptz NOT NULL,                    -- its beginning
    queued bigint NOT NULL,
    running bigint NOT NULL,
    oldest_s double precision,                  -- for how long the oldest queued task had been there; null: none was
    PRIMARY KEY (account_id, queue, step_s, at)
) WITH (fillfactor = 50);
-- An expression, so that it is for pruning alone: whoever reads one account's goes by the key, also while nothing is known of the table.
CREATE INDEX samples_by_age ON samples ((step_s + 0), at);

-- How long tasks that ended in each step waited and ran, as each process saw it: [[bucket, count], …] (domain/latency.py).
CREATE TABLE durations (
    account_id text NOT NULL,
    queue text NOT NULL,
    step_s integer NOT NULL,
    at timestamptz NOT NULL,
    process text NOT NULL,
    waited text NOT NULL,
    ran text NOT NULL,
    PRIMARY KEY (account_id, queue, step_s, at, process)
) WITH (fillfactor = 50);
CREATE INDEX durations_by_age ON durations ((step_s + 0), at);

-- It was taken for dead, and its process has not registered again.
ALTER TABLE workers ADD COLUMN lost boolean NOT NULL DEFAULT false;

CREATE INDEX IF NOT EXISTS schedule_fires_missed ON schedule_fires (decided_at) WHERE outcome = 'missed';
-- Operators of a large history make it before, day by day (docs/adr/0040).
CREATE INDEX IF NOT EXISTS finished_poison ON finished_tasks (finished_at) WHERE reason = 'poison';
