-- The first schema. Payloads, results and other documents are JSON text, never jsonb: nobody here looks into them.
-- finished_tasks, attempts and log_lines are partitioned by day (partitions.py makes the days, and drops the old ones).

-- The live table: what has not ended. A finish takes the row out and puts it into finished_tasks, in one statement. Kept
-- narrow: what only an end brings (outcome, reason, result) has no column here.
CREATE TABLE tasks (
    id uuid NOT NULL PRIMARY KEY,
    status text NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    type text NOT NULL,
    queue text NOT NULL,
    priority smallint NOT NULL,
    seq bigint,                                 -- place in the queue; null until first queued
    hold text,
    expires_at timestamptz,
    worker text,                                -- the owner while running, then who ran the last attempt
    lease_no bigint,                            -- rises with every lease: what was leased since can be asked for (lease_running.sql)
    rev integer NOT NULL DEFAULT 1,
    leased_at timestamptz,
    taken text,                                 -- while running: what the owner last said of it
    missing smallint NOT NULL DEFAULT 0,        -- while running: successive late heartbeats that did not list it; -1: its loss counts nothing
    crashes integer NOT NULL DEFAULT 0,
    transits integer NOT NULL DEFAULT 0,
    cancel_requested_at timestamptz,
    started_at timestamptz,
    timeout double precision,
    retry_count integer NOT NULL DEFAULT 0,
    max_retries integer,
    created_at timestamptz NOT NULL,
    tags text[] NOT NULL DEFAULT '{}',
    traceparent text,
    account_id text NOT NULL,
    user_id text,
    run_at timestamptz,
    retry text NOT NULL,
    progress text,
    error text,
    unrouted boolean NOT NULL DEFAULT false,    -- submitted without a queue, of a type nobody had registered
    unique_key text,
    parent_id uuid,
    schedule_id text,
    workflow_id text,
    octets integer NOT NULL,                    -- of the payload: what a lease or a list weighs is known without reading them
    payload text NOT NULL
) WITH (
    -- Every row is changed and soon removed: vacuum often and in small bites, by number and not by share.
    fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 1, autovacuum_analyze_scale_factor = 0.05, autovacuum_analyze_threshold = 5000
);
ALTER TABLE tasks ALTER COLUMN payload SET STORAGE EXTERNAL;    -- moved often, so not packed and unpacked each time

CREATE SEQUENCE task_seq AS bigint;
CREATE SEQUENCE task_lease_no AS bigint;

CREATE INDEX tasks_ready ON tasks (queue, type, priority, seq) WHERE status = 'queued' AND hold IS NULL;
CREATE INDEX tasks_held ON tasks (queue, type, hold, priority DESC, seq) WHERE status = 'queued' AND hold IS NOT NULL;
CREATE INDEX tasks_scheduled ON tasks (run_at) WHERE status = 'scheduled';
CREATE INDEX tasks_scheduled_queue ON tasks (queue, type) WHERE status = 'scheduled';
CREATE INDEX tasks_blocked ON tasks (queue, type) WHERE status = 'blocked';
CREATE INDEX tasks_running ON tasks (worker, lease_no) WHERE status = 'running';
CREATE INDEX tasks_expiring ON tasks (expires_at)
    WHERE expires_at IS NOT NULL AND status IN ('scheduled', 'blocked', 'queued');
CREATE INDEX tasks_unrouted ON tasks (type) WHERE unrouted;

-- An id stands in at most one of tasks and finished_tasks. No unique index can say so over partitions; the moves see to it.
CREATE TABLE finished_tasks (
    id uuid NOT NULL,
    status text NOT NULL,
    attempt integer NOT NULL,
    type text NOT NULL,
    queue text NOT NULL,
    priority smallint NOT NULL,
    expires_at timestamptz,
    worker text,
    rev integer NOT NULL,
    crashes integer NOT NULL,
    cancel_requested_at timestamptz,
    started_at timestamptz,
    timeout double precision,
    retry_count integer NOT NULL,
    max_retries integer,
    created_at timestamptz NOT NULL,
    tags text[] NOT NULL,
    traceparent text,
    account_id text NOT NULL,
    user_id text,
    run_at timestamptz,
    finished_at timestamptz NOT NULL,
    outcome text,                               -- how the attempt that ended the task ended
    ended_by text,                              -- the kind of report that ended it: tells a duplicate from a stale one
    reason text,
    retry text NOT NULL,
    progress text,
    error text,
    result text,
    result_ref text,
    unrouted boolean NOT NULL,
    unique_key text,
    parent_id uuid,
    schedule_id text,
    workflow_id text,
    octets integer NOT NULL,
    payload text NOT NULL
) PARTITION BY LIST (status);
ALTER TABLE finished_tasks ALTER COLUMN payload SET STORAGE EXTERNAL;

-- By id, and lists: newest first by id.
CREATE INDEX finished_tasks_id ON finished_tasks (id);
CREATE INDEX finished_tasks_account ON finished_tasks (account_id, id);
CREATE INDEX finished_tasks_type ON finished_tasks (account_id, type, id);
CREATE INDEX finished_tasks_queue ON finished_tasks (account_id, queue, id);
CREATE INDEX finished_tasks_user ON finished_tasks (account_id, user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX finished_tasks_ref ON finished_tasks (id) WHERE result_ref IS NOT NULL;

CREATE TABLE finished_success PARTITION OF finished_tasks FOR VALUES IN ('success') PARTITION BY RANGE (finished_at);
CREATE TABLE finished_failed PARTITION OF finished_tasks FOR VALUES IN ('failed') PARTITION BY RANGE (finished_at);
CREATE TABLE finished_cancelled PARTITION OF finished_tasks FOR VALUES IN ('cancelled') PARTITION BY RANGE (finished_at);
CREATE TABLE finished_skipped PARTITION OF finished_tasks FOR VALUES IN ('skipped') PARTITION BY RANGE (finished_at);

-- Days of finished_tasks that have been taken away, with what belongs to their tasks elsewhere still to be cleared (history.py).
CREATE TABLE leaving_days (
    name text NOT NULL PRIMARY KEY,             -- of the table, which is no partition any more
    cleared_to uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000'
);

CREATE TABLE task_tags (
    account_id text NOT NULL,
    tag text NOT NULL,
    task_id uuid NOT NULL,
    PRIMARY KEY (account_id, tag, task_id)
);
CREATE INDEX task_tags_task ON task_tags (task_id);

-- Attempts that ended without ending their task, or whose task was redriven since.
CREATE TABLE attempts (
    task_id uuid NOT NULL,
    attempt integer NOT NULL,
    outcome text NOT NULL,
    ended_by text NOT NULL,
    started_at timestamptz,
    ended_at timestamptz NOT NULL,
    worker text,
    error text,
    crashed boolean NOT NULL DEFAULT false,     -- it counts in the task's crashes
    PRIMARY KEY (task_id, attempt, ended_at)
) PARTITION BY RANGE (ended_at);
CREATE INDEX attempts_crashed ON attempts (worker) WHERE crashed;

CREATE TABLE log_lines (
    task_id uuid NOT NULL,
    attempt integer NOT NULL,
    n integer NOT NULL,
    at timestamptz NOT NULL,
    kept_at timestamptz NOT NULL,               -- `at`, unless the worker's clock is off by more than a day: then about when it came
    level text NOT NULL,
    message text NOT NULL,
    fields text NOT NULL,
    PRIMARY KEY (task_id, attempt, n, kept_at)
) PARTITION BY RANGE (kept_at);

CREATE TABLE idempotency_keys (
    account_id text NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    answer text NOT NULL,                       -- [[task id, created], …]
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, route, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (expires_at);

-- A key is held while its task is unfinished, or until `until`; so a row may be there that holds nothing any more.
CREATE TABLE unique_keys (
    account_id text NOT NULL,
    type text NOT NULL,
    key text NOT NULL,
    task_id uuid NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (account_id, type, key)
);
CREATE INDEX unique_keys_by_age ON unique_keys (until);

-- Submits made by running tasks, so that a repeated call gets the first child.
CREATE TABLE calls (
    task_id uuid NOT NULL,
    number integer NOT NULL,
    answer text NOT NULL,                       -- [[task id, created], …]
    called_at timestamptz NOT NULL,
    PRIMARY KEY (task_id, number)
);
CREATE INDEX calls_by_age ON calls (called_at);

CREATE TABLE workers (
    id text NOT NULL PRIMARY KEY,
    name text NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    version text NOT NULL,
    state text NOT NULL,
    slots integer NOT NULL,
    "window" integer NOT NULL,
    queues text[] NOT NULL,
    types text[] NOT NULL,
    registered_at timestamptz NOT NULL,
    last_beat_at timestamptz NOT NULL,
    died_at timestamptz,
    beats bigint NOT NULL DEFAULT 0,
    stuck text[] NOT NULL DEFAULT '{}',
    loop_lag_s double precision NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE task_types (
    type text NOT NULL PRIMARY KEY,
    queue text NOT NULL,
    on_lost text NOT NULL,
    document text NOT NULL                      -- the whole declaration
);

CREATE TABLE queues (
    name text NOT NULL PRIMARY KEY,
    paused boolean NOT NULL DEFAULT false,
    max_size integer
);

-- What finished, for the charts. `shard` keeps processes out of each other's way: a row that all of them count in would be a
-- lock that all of them wait for.
CREATE TABLE rollups (
    account_id text NOT NULL,
    minute timestamptz NOT NULL,                -- its start
    queue text NOT NULL,
    type text NOT NULL,
    status text NOT NULL,
    shard smallint NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (account_id, minute, queue, type, status, shard)
) WITH (fillfactor = 50);
CREATE INDEX rollups_by_age ON rollups (minute);

CREATE TABLE bulks (
    id uuid NOT NULL PRIMARY KEY,
    account_id text NOT NULL,
    action text NOT NULL,
    filter text NOT NULL,
    status text NOT NULL,
    total bigint NOT NULL,
    done bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    cursor text
);
