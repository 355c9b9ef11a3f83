-- Schedules, workflows, durable steps.

-- A graph and how far it is (docs/adr/0100). A sub-workflow is a row of its own; its root's is the one that is locked.
CREATE TABLE workflows (
    id uuid NOT NULL PRIMARY KEY,
    root_id uuid NOT NULL,                      -- its own id, unless it is a sub-workflow
    parent_id uuid,                             -- of a sub-workflow: of which node, and for which item of it, it is the work
    parent_node text,
    item integer,                               -- null: the node is no fan-out
    account_id text NOT NULL,
    user_id text,
    name text NOT NULL,
    tags text[] NOT NULL DEFAULT '{}',
    max_concurrency integer,
    status text NOT NULL,                       -- running, success, failed, cancelled
    rev integer NOT NULL DEFAULT 1,
    path text NOT NULL DEFAULT '[]',            -- of a sub-workflow: the names of the nodes that lead to it from its root
    input text NOT NULL DEFAULT 'null',
    traceparent text,
    schedule_id text,
    created_at timestamptz NOT NULL,
    deadline_at timestamptz,
    cancel_requested_at timestamptz,
    finished_at timestamptz,
    ending text,                                -- cancel, deadline: nothing but `finally` begins any more
    left_nodes integer NOT NULL,                -- that have not ended, `finally` not counted
    broken integer NOT NULL DEFAULT 0,          -- that failed or were cancelled, and may not
    result text,
    error text
) WITH (fillfactor = 50);
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
    workflow_id uuid NOT NULL PRIMARY KEY,
    graph text NOT NULL                         -- domain/graph.py
);

CREATE TABLE workflow_nodes (
    workflow_id uuid NOT NULL,
    node text NOT NULL,
    status text NOT NULL,                       -- blocked, running (its work is there), or how it ended
    waits integer NOT NULL,                     -- parents that have not ended
    missed integer NOT NULL DEFAULT 0,          -- edges that got another end than they want
    total integer,                              -- of a fan-out that has ever begun: its items; of a sub-workflow 1
    left_items integer NOT NULL DEFAULT 0,      -- items, or the one task or workflow, that have not ended
    failed integer NOT NULL DEFAULT 0,          -- items that did
    cancelled integer NOT NULL DEFAULT 0,
    started_at timestamptz,
    finished_at timestamptz,
    error text,                                 -- of a node that failed without a task: its list is none, …
    PRIMARY KEY (workflow_id, node)
) WITH (fillfactor = 50);

-- Which task is the work of which node. An `item` of a fan-out counts from 0; -1: the node is none.
CREATE TABLE workflow_tasks (
    workflow_id uuid NOT NULL,
    node text NOT NULL,
    item integer NOT NULL,
    task_id uuid NOT NULL,
    PRIMARY KEY (workflow_id, node, item)
);
CREATE UNIQUE INDEX workflow_tasks_task ON workflow_tasks (task_id);

-- What a handler has done and need not do again (docs/adr/0102); gone with its task.
CREATE TABLE task_steps (
    task_id uuid NOT NULL,
    kind text NOT NULL,                         -- step, sleep, event
    name text NOT NULL,                         -- "charge", the second of that name "charge#2"
    attempt integer NOT NULL,                   -- that kept it, or began to sleep or wait
    kept_at timestamptz NOT NULL,
    ran_s double precision,                     -- of a step, as its worker says
    wakes_at timestamptz,                       -- of a sleep; of an event: when it is waited for no longer, if ever
    decided_at timestamptz,                     -- of an event: when it was found, or found missing; null: it is waited for
    octets integer NOT NULL,                    -- of the result, so that a page need not read it to know
    result text,                                -- JSON; of an event its payload, null if it did not come in time
    PRIMARY KEY (task_id, kind, name)
);

-- The first event of each name that a task was sent.
CREATE TABLE task_events (
    task_id uuid NOT NULL,
    name text NOT NULL,
    payload text NOT NULL,
    sent_at timestamptz NOT NULL,
    PRIMARY KEY (task_id, name)
);

-- For which events a task sleeps. One whose attempt is not the task's present one is of an earlier sleep.
CREATE TABLE task_waits (
    task_id uuid NOT NULL,
    event text NOT NULL,
    attempt integer NOT NULL,                   -- that went to sleep for it
    PRIMARY KEY (task_id, event)
);

-- What is started by the clock (docs/adr/0101).
CREATE TABLE schedules (
    id uuid NOT NULL PRIMARY KEY,
    account_id text NOT NULL,
    user_id text,
    name text NOT NULL,
    cron text,                                  -- this or `every_s`
    every_s double precision,
    timezone text NOT NULL,
    type text,                                  -- of the task; null: a tick starts a workflow
    template text NOT NULL,                     -- the task, or the workflow, that a tick starts
    overlap text NOT NULL,
    catch_up text NOT NULL,
    catch_up_limit integer NOT NULL,
    jitter_s double precision NOT NULL DEFAULT 0,
    starts_at timestamptz,
    ends_at timestamptz,
    paused_at timestamptz,
    origin text NOT NULL,                       -- api; code: declared beside a handler, and kept in step with that
    application text,                           -- of origin code: the program that declares it
    rev integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    next_at timestamptz,                        -- the tick that has not been decided yet; null: there is none any more
    waiting_at timestamptz,                     -- the tick that waits for the run before it to end (overlap=queue_one)
    last_at timestamptz                         -- the latest tick that fired
);
CREATE UNIQUE INDEX schedules_name ON schedules (account_id, name);
CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL AND paused_at IS NULL;
CREATE INDEX schedules_waiting ON schedules (waiting_at) WHERE waiting_at IS NOT NULL;

-- What became of each tick: fired, missed, skipped, or it waits. The key is the fire's id, so whoever decides, it happens once.
CREATE TABLE schedule_fires (
    schedule_id uuid NOT NULL,
    planned_at timestamptz NOT NULL,
    outcome text NOT NULL,                      -- fired, missed, skipped, waiting
    reason text,                                -- downtime, overlap, paused, refused, …
    detail text,
    ticks integer NOT NULL DEFAULT 1,           -- so many, up to this one: those of a long downtime are told of together
    by_hand text,                               -- trigger, backfill
    task_id uuid,
    workflow_id uuid,
    decided_at timestamptz NOT NULL,
    started_at timestamptz,                     -- when its first attempt did
    settled boolean NOT NULL DEFAULT false,     -- nothing more will be learned of it
    PRIMARY KEY (schedule_id, planned_at)
);
CREATE INDEX schedule_fires_open ON schedule_fires (schedule_id, planned_at) WHERE NOT settled;
CREATE INDEX schedule_fires_other ON schedule_fires (schedule_id, outcome, planned_at) WHERE outcome <> 'fired';
CREATE INDEX schedule_fires_by_age ON schedule_fires (decided_at);

CREATE INDEX IF NOT EXISTS tasks_of_schedule ON tasks (schedule_id) WHERE schedule_id IS NOT NULL;
