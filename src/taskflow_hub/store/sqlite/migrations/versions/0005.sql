-- Schedules, workflows, durable steps.

-- A graph and how far it is (docs/adr/0100). A sub-workflow is a row of its own; its root's is the one that is locked.
CREATE TABLE workflows (
    id TEXT NOT NULL PRIMARY KEY,
    root_id TEXT NOT NULL,                      -- its own id, unless it is a sub-workflow
    parent_id TEXT,                             -- of a sub-workflow: of which node, and for which item of it, it is the work
    parent_node TEXT,
    item INTEGER,                               -- null: the node is no fan-out
    account_id TEXT NOT NULL,
    user_id TEXT,
    name TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    max_concurrency INTEGER,
    status TEXT NOT NULL,                       -- running, success, failed, cancelled
    rev INTEGER NOT NULL DEFAULT 1,
    path TEXT NOT NULL DEFAULT '[]',            -- of a sub-workflow: the names of the nodes that lead to it from its root
    input TEXT NOT NULL DEFAULT 'null',
    traceparent TEXT,
    schedule_id TEXT,
    created_at INTEGER NOT NULL,
    deadline_at INTEGER,
    cancel_requested_at INTEGER,
    finished_at INTEGER,
    ending TEXT,                                -- cancel, deadline: nothing but `finally` begins any more
    left_nodes INTEGER NOT NULL,                -- that have not ended, `finally` not counted
    broken INTEGER NOT NULL DEFAULT 0,          -- that failed or were cancelled, and may not
    result TEXT,
    error TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX workflows_list ON workflows (account_id, id) WHERE parent_id IS NULL;
CREATE INDEX workflows_by_status ON workflows (account_id, status, id) WHERE parent_id IS NULL;
CREATE INDEX workflows_sub ON workflows (parent_id, parent_node, item) WHERE parent_id IS NOT NULL;
CREATE INDEX workflows_tree ON workflows (root_id);
CREATE INDEX workflows_running ON workflows (id) WHERE status = 'running' AND parent_id IS NULL;
CREATE INDEX workflows_deadline ON workflows (deadline_at) WHERE status = 'running' AND deadline_at IS NOT NULL AND ending IS NULL;
CREATE INDEX workflows_of_schedule ON workflows (schedule_id) WHERE status = 'running' AND schedule_id IS NOT NULL;
CREATE INDEX workflows_by_age ON workflows (status, finished_at) WHERE parent_id IS NULL AND finished_at IS NOT NULL;

-- Written once, and apart, so that no change of a workflow drags it along. Of roots alone: sub-workflows are in it.
CREATE TABLE workflow_graphs (
    workflow_id TEXT NOT NULL PRIMARY KEY,
    graph TEXT NOT NULL                         -- domain/graph.py
) STRICT, WITHOUT ROWID;

CREATE TABLE workflow_nodes (
    workflow_id TEXT NOT NULL,
    node TEXT NOT NULL,
    status TEXT NOT NULL,                       -- blocked, running (its work is there), or how it ended
    waits INTEGER NOT NULL,                     -- parents that have not ended
    missed INTEGER NOT NULL DEFAULT 0,          -- edges that got another end than they want
    total INTEGER,                              -- of a fan-out that has ever begun: its items; of a sub-workflow 1
    left_items INTEGER NOT NULL DEFAULT 0,      -- items, or the one task or workflow, that have not ended
    failed INTEGER NOT NULL DEFAULT 0,          -- items that did
    cancelled INTEGER NOT NULL DEFAULT 0,
    started_at INTEGER,
    finished_at INTEGER,
    error TEXT,                                 -- of a node that failed without a task: its list is none, …
    PRIMARY KEY (workflow_id, node)
) STRICT, WITHOUT ROWID;

-- Which task is the work of which node. An `item` of a fan-out counts from 0; -1: the node is none.
CREATE TABLE workflow_tasks (
    workflow_id TEXT NOT NULL,
    node TEXT NOT NULL,
    item INTEGER NOT NULL,
    task_id TEXT NOT NULL,
    PRIMARY KEY (workflow_id, node, item)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX workflow_tasks_task ON workflow_tasks (task_id);

-- What a handler has done and need not do again (docs/adr/0102); gone with its task.
CREATE TABLE task_steps (
    task_id TEXT NOT NULL,
    kind TEXT NOT NULL,                         -- step, sleep, event
    name TEXT NOT NULL,                         -- "charge", the second of that name "charge#2"
    attempt INTEGER NOT NULL,                   -- that kept it, or began to sleep or wait
    kept_at INTEGER NOT NULL,
    ran_s REAL,                                 -- of a step, as its worker says
    wakes_at INTEGER,                           -- of a sleep; of an event: when it is waited for no longer, if ever
    decided_at INTEGER,                         -- of an event: when it was found, or found missing; null: it is waited for
    octets INTEGER NOT NULL,                    -- of the result, so that a page need not read it to know
    result TEXT,                                -- JSON; of an event its payload, null if it did not come in time
    PRIMARY KEY (task_id, kind, name)
) STRICT, WITHOUT ROWID;

-- The first event of each name that a task was sent.
CREATE TABLE task_events (
    task_id TEXT NOT NULL,
    name TEXT NOT NULL,
    payload TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    PRIMARY KEY (task_id, name)
) STRICT, WITHOUT ROWID;

-- For which events a task sleeps. One whose attempt is not the task's present one is of an earlier sleep.
CREATE TABLE task_waits (
    task_id TEXT NOT NULL,
    event TEXT NOT NULL,
    attempt INTEGER NOT NULL,                   -- that went to sleep for it
    PRIMARY KEY (task_id, event)
) STRICT, WITHOUT ROWID;

-- What is started by the clock (docs/adr/0101).
CREATE TABLE schedules (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    user_id TEXT,
    name TEXT NOT NULL,
    cron TEXT,                                  -- this or `every_s`
    every_s REAL,
    timezone TEXT NOT NULL,
    type TEXT,                                  -- of the task; null: a tick starts a workflow
    template TEXT NOT NULL,                     -- the task, or the workflow, that a tick starts
    overlap TEXT NOT NULL,
    catch_up TEXT NOT NULL,
    catch_up_limit INTEGER NOT NULL,
    jitter_s REAL NOT NULL DEFAULT 0,
    starts_at INTEGER,
    ends_at INTEGER,
    paused_at INTEGER,
    origin TEXT NOT NULL,                       -- api; code: declared beside a handler, and kept in step with that
    application TEXT,                           -- of origin code: the program that declares it
    rev INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    next_at INTEGER,                            -- the tick that has not been decided yet; null: there is none any more
    waiting_at INTEGER,                         -- the tick that waits for the run before it to end (overlap=queue_one)
    last_at INTEGER                             -- the latest tick that fired
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX schedules_name ON schedules (account_id, name);
CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL AND paused_at IS NULL;
CREATE INDEX schedules_waiting ON schedules (waiting_at) WHERE waiting_at IS NOT NULL;

-- What became of each tick: fired, missed, skipped, or it waits. The key is the fire's id, so whoever decides, it happens once.
CREATE TABLE schedule_fires (
    schedule_id TEXT NOT NULL,
    planned_at INTEGER NOT NULL,
    outcome TEXT NOT NULL,                      -- fired, missed, skipped, waiting
    reason TEXT,                                -- downtime, overlap, paused, refused, …
    detail TEXT,
    ticks INTEGER NOT NULL DEFAULT 1,           -- so many, up to this one: those of a long downtime are told of together
    by_hand TEXT,                               -- trigger, backfill
    task_id TEXT,
    workflow_id TEXT,
    decided_at INTEGER NOT NULL,
    started_at INTEGER,                         -- when its first attempt did
    settled INTEGER NOT NULL DEFAULT 0,         -- nothing more will be learned of it
    PRIMARY KEY (schedule_id, planned_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX schedule_fires_open ON schedule_fires (schedule_id, planned_at) WHERE settled = 0;
CREATE INDEX schedule_fires_other ON schedule_fires (schedule_id, outcome, planned_at) WHERE outcome <> 'fired';
CREATE INDEX schedule_fires_by_age ON schedule_fires (decided_at);

CREATE INDEX tasks_of_schedule ON tasks (schedule_id) WHERE schedule_id IS NOT NULL;
-- As tasks_ended, of workflows: who ends others finds nothing here, and need not look at them (only/ended.sql).
CREATE INDEX tasks_ended_of_workflow ON tasks (id)
    WHERE status IN ('success', 'failed', 'cancelled', 'skipped') AND workflow_id IS NOT NULL;
