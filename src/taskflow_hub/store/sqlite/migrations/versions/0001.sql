-- The first schema. Ids are UUIDs in 36 characters, times are microseconds since 1970 in UTC, durations are seconds,
-- payloads, results and other documents are JSON text.

-- "TFHB": tells our files from a stranger's (connection.py).
PRAGMA application_id = 1413892162;

-- The live table: what has not ended. A finish moves the row to finished_tasks, which has the same columns in the same order.
-- What the hot statements look at stands first, for SQLite finds a column by walking along the row.
CREATE TABLE tasks (
    id TEXT NOT NULL PRIMARY KEY,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    type TEXT NOT NULL,
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    seq INTEGER,                                -- place in the queue; null until first queued
    hold TEXT,
    expires_at INTEGER,
    worker TEXT,                                -- the owner while running, then who ran the last attempt
    rev INTEGER NOT NULL DEFAULT 1,
    leased_at INTEGER,
    taken TEXT,                                 -- while running: what the owner last said of it
    missing INTEGER NOT NULL DEFAULT 0,         -- while running: successive late heartbeats that did not list it; -1: its loss counts nothing
    crashes INTEGER NOT NULL DEFAULT 0,
    transits INTEGER NOT NULL DEFAULT 0,
    cancel_requested_at INTEGER,
    started_at INTEGER,
    timeout REAL,
    retry_count INTEGER NOT NULL DEFAULT 0,
    max_retries INTEGER,
    created_at INTEGER NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    traceparent TEXT,
    account_id TEXT NOT NULL,
    user_id TEXT,
    run_at INTEGER,
    finished_at INTEGER,
    outcome TEXT,                               -- how the attempt that ended the task ended
    ended_by TEXT,                              -- the kind of report that ended it: tells a duplicate from a stale one
    reason TEXT,
    retry TEXT NOT NULL,
    progress TEXT,
    error TEXT,
    result TEXT,
    result_ref TEXT,
    unrouted INTEGER NOT NULL DEFAULT 0,        -- submitted without a queue, of a type nobody had registered
    unique_key TEXT,
    parent_id TEXT,
    schedule_id TEXT,
    workflow_id TEXT
) STRICT;

-- The last two columns are for depths.sql, so that it need not look at the tasks.
CREATE INDEX tasks_ready ON tasks (queue, type, priority DESC, seq, account_id, created_at)
    WHERE status = 'queued' AND hold IS NULL;
CREATE INDEX tasks_held ON tasks (queue, type, priority DESC, seq, hold, account_id, created_at)
    WHERE status = 'queued' AND hold IS NOT NULL;
CREATE INDEX tasks_scheduled ON tasks (run_at, queue) WHERE status = 'scheduled';
CREATE INDEX tasks_blocked ON tasks (queue, type) WHERE status = 'blocked';
CREATE INDEX tasks_running ON tasks (worker, crashes) WHERE status = 'running';
CREATE INDEX tasks_expiring ON tasks (expires_at)
    WHERE expires_at IS NOT NULL AND status IN ('scheduled', 'blocked', 'queued');
CREATE INDEX tasks_unrouted ON tasks (type) WHERE unrouted = 1;
-- Empty but inside a transaction that ends tasks: finish.sql moves what it finds here.
CREATE INDEX tasks_ended ON tasks (status) WHERE status IN ('success', 'failed', 'cancelled', 'skipped');

CREATE TABLE finished_tasks (
    id TEXT NOT NULL PRIMARY KEY,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    type TEXT NOT NULL,
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    seq INTEGER,
    hold TEXT,
    expires_at INTEGER,
    worker TEXT,
    rev INTEGER NOT NULL,
    leased_at INTEGER,
    taken TEXT,
    missing INTEGER NOT NULL,
    crashes INTEGER NOT NULL,
    transits INTEGER NOT NULL,
    cancel_requested_at INTEGER,
    started_at INTEGER,
    timeout REAL,
    retry_count INTEGER NOT NULL,
    max_retries INTEGER,
    created_at INTEGER NOT NULL,
    tags TEXT NOT NULL,
    traceparent TEXT,
    account_id TEXT NOT NULL,
    user_id TEXT,
    run_at INTEGER,
    finished_at INTEGER NOT NULL,
    outcome TEXT,
    ended_by TEXT,
    reason TEXT,
    retry TEXT NOT NULL,
    progress TEXT,
    error TEXT,
    result TEXT,
    result_ref TEXT,
    unrouted INTEGER NOT NULL,
    unique_key TEXT,
    parent_id TEXT,
    schedule_id TEXT,
    workflow_id TEXT
) STRICT;

-- Lists: newest first by id, so each index ends with it. Every list reads one branch per status, all of them merged.
CREATE INDEX finished_by_status ON finished_tasks (account_id, status, id);
CREATE INDEX finished_by_type ON finished_tasks (account_id, type, status, id);
CREATE INDEX finished_by_queue ON finished_tasks (account_id, queue, status, id);
CREATE INDEX finished_by_user ON finished_tasks (account_id, user_id, status, id) WHERE user_id IS NOT NULL;
-- Retention: oldest first.
CREATE INDEX finished_by_age ON finished_tasks (status, finished_at);

-- Payloads sit apart: written once, they are not dragged along by every change of a task (docs/adr/0011).
CREATE TABLE payloads (
    task_id TEXT NOT NULL PRIMARY KEY,
    octets INTEGER NOT NULL,                    -- of the payload: what a list weighs is known without reading them
    payload TEXT NOT NULL
) STRICT;

CREATE TABLE task_tags (
    account_id TEXT NOT NULL,
    tag TEXT NOT NULL,
    task_id TEXT NOT NULL,
    PRIMARY KEY (account_id, tag, task_id)
) STRICT, WITHOUT ROWID;

-- Attempts that ended without ending their task, or whose task was redriven since.
CREATE TABLE attempts (
    task_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    ended_by TEXT NOT NULL,
    started_at INTEGER,
    ended_at INTEGER NOT NULL,
    worker TEXT,
    error TEXT,
    crashed INTEGER NOT NULL DEFAULT 0,         -- it counts in the task's crashes
    PRIMARY KEY (task_id, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempts_crashed ON attempts (worker) WHERE crashed = 1;

CREATE TABLE log_lines (
    task_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    n INTEGER NOT NULL,
    at INTEGER NOT NULL,
    level TEXT NOT NULL,
    message TEXT NOT NULL,
    fields TEXT NOT NULL,
    PRIMARY KEY (task_id, attempt, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency_keys (
    account_id TEXT NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    answer TEXT NOT NULL,                       -- [[task id, created], …]
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, route, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (expires_at);

-- A key is held while its task is unfinished, or until `until`; so a row may be there that holds nothing any more.
CREATE TABLE unique_keys (
    account_id TEXT NOT NULL,
    type TEXT NOT NULL,
    key TEXT NOT NULL,
    task_id TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (account_id, type, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX unique_keys_by_age ON unique_keys (until);

-- Submits made by running tasks, so that a repeated call gets the first child.
CREATE TABLE calls (
    task_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    answer TEXT NOT NULL,                       -- [[task id, created], …]
    PRIMARY KEY (task_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE workers (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    version TEXT NOT NULL,
    state TEXT NOT NULL,
    slots INTEGER NOT NULL,
    window INTEGER NOT NULL,
    queues TEXT NOT NULL,
    types TEXT NOT NULL,
    registered_at INTEGER NOT NULL,
    last_beat_at INTEGER NOT NULL,
    died_at INTEGER,
    beats INTEGER NOT NULL DEFAULT 0,
    stuck TEXT NOT NULL DEFAULT '[]',
    loop_lag_s REAL NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE task_types (
    type TEXT NOT NULL PRIMARY KEY,
    queue TEXT NOT NULL,
    on_lost TEXT NOT NULL,
    document TEXT NOT NULL                      -- the whole declaration
) STRICT, WITHOUT ROWID;

CREATE TABLE queues (
    name TEXT NOT NULL PRIMARY KEY,
    paused INTEGER NOT NULL DEFAULT 0,
    max_size INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE rollups (
    account_id TEXT NOT NULL,
    minute INTEGER NOT NULL,                    -- its start
    queue TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (account_id, minute, queue, type, status)
) STRICT, WITHOUT ROWID;
CREATE INDEX rollups_by_age ON rollups (minute);

CREATE TABLE bulks (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    action TEXT NOT NULL,
    filter TEXT NOT NULL,
    status TEXT NOT NULL,
    total INTEGER NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    cursor TEXT
) STRICT, WITHOUT ROWID;

-- One row: the last `seq` given.
CREATE TABLE sequence (
    last INTEGER NOT NULL
) STRICT;
INSERT INTO sequence (last) VALUES (0);
