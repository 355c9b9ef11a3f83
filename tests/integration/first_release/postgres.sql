BEGIN;

SELECT pg_advisory_xact_lock(hashtext('taskflow-hub: schema'));

CREATE TABLE taskflow_version (
    version_num VARCHAR(32) NOT NULL, 
    CONSTRAINT taskflow_version_pkc PRIMARY KEY (version_num)
);

-- Running upgrade  -> 0001

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

INSERT INTO taskflow_version (version_num) VALUES ('0001') RETURNING taskflow_version.version_num;

COMMIT;

CREATE TABLE attempts_20261014 PARTITION OF attempts FOR VALUES FROM ('2026-10-14 00:00:00+00') TO ('2026-10-15 00:00:00+00');
CREATE TABLE attempts_20261123 PARTITION OF attempts FOR VALUES FROM ('2026-11-23 00:00:00+00') TO ('2026-11-24 00:00:00+00');
CREATE TABLE finished_cancelled_20261014 PARTITION OF finished_cancelled FOR VALUES FROM ('2026-10-14 00:00:00+00') TO ('2026-10-15 00:00:00+00');
CREATE TABLE finished_cancelled_20261123 PARTITION OF finished_cancelled FOR VALUES FROM ('2026-11-23 00:00:00+00') TO ('2026-11-24 00:00:00+00');
CREATE TABLE finished_failed_20261014 PARTITION OF finished_failed FOR VALUES FROM ('2026-10-14 00:00:00+00') TO ('2026-10-15 00:00:00+00');
CREATE TABLE finished_failed_20261123 PARTITION OF finished_failed FOR VALUES FROM ('2026-11-23 00:00:00+00') TO ('2026-11-24 00:00:00+00');
CREATE TABLE finished_skipped_20261014 PARTITION OF finished_skipped FOR VALUES FROM ('2026-10-14 00:00:00+00') TO ('2026-10-15 00:00:00+00');
CREATE TABLE finished_skipped_20261123 PARTITION OF finished_skipped FOR VALUES FROM ('2026-11-23 00:00:00+00') TO ('2026-11-24 00:00:00+00');
CREATE TABLE finished_success_20261014 PARTITION OF finished_success FOR VALUES FROM ('2026-10-14 00:00:00+00') TO ('2026-10-15 00:00:00+00');
CREATE TABLE finished_success_20261123 PARTITION OF finished_success FOR VALUES FROM ('2026-11-23 00:00:00+00') TO ('2026-11-24 00:00:00+00');
CREATE TABLE log_lines_20261014 PARTITION OF log_lines FOR VALUES FROM ('2026-10-14 00:00:00+00') TO ('2026-10-15 00:00:00+00');
CREATE TABLE log_lines_20261123 PARTITION OF log_lines FOR VALUES FROM ('2026-11-23 00:00:00+00') TO ('2026-11-24 00:00:00+00');
INSERT INTO tasks SELECT * FROM json_populate_record(NULL::tasks, E'{"id":"01a207e4-443f-71c1-a832-75fad8095b22","status":"scheduled","attempt":0,"type":"rich.01a207e4-443f-71c1-a832-75f8531531d5","queue":"rich","priority":7,"seq":null,"hold":null,"expires_at":"2029-05-11T03:04:05.678901+00:00","worker":null,"lease_no":null,"rev":1,"leased_at":null,"taken":null,"missing":0,"crashes":0,"transits":0,"cancel_requested_at":null,"started_at":null,"timeout":null,"retry_count":0,"max_retries":null,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":["a","b,c","\\"d\\"","{e}"],"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","account_id":"default","user_id":"Žofie ''quote\\" \\\\ %s $1 🦊","run_at":"2027-03-03T03:04:05.678901+00:00","retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":null,"unrouted":false,"unique_key":null,"parent_id":"01a207e4-443f-71c1-a832-75f90650be84","schedule_id":"s1","workflow_id":"w1","octets":66,"payload":"{\\"text\\":\\"ünïcödé \\\\\\"quoted\\\\\\" \\\\\\\\ \\\\t \\\\u2028\\",\\"n\\":[1.5,null,true]}"}');
INSERT INTO tasks SELECT * FROM json_populate_record(NULL::tasks, E'{"id":"01a207e4-4441-7362-b45b-fd69ac05a498","status":"blocked","attempt":0,"type":"rich.01a207e4-4441-7362-b45b-fd6717d54564","queue":"rich","priority":7,"seq":null,"hold":null,"expires_at":"2029-05-11T03:04:05.678901+00:00","worker":null,"lease_no":null,"rev":1,"leased_at":null,"taken":null,"missing":0,"crashes":0,"transits":0,"cancel_requested_at":null,"started_at":null,"timeout":null,"retry_count":0,"max_retries":null,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":["a","b,c","\\"d\\"","{e}"],"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","account_id":"default","user_id":"Žofie ''quote\\" \\\\ %s $1 🦊","run_at":null,"retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":null,"unrouted":false,"unique_key":null,"parent_id":"01a207e4-4441-7362-b45b-fd689716e20e","schedule_id":"s1","workflow_id":"w1","octets":66,"payload":"{\\"text\\":\\"ünïcödé \\\\\\"quoted\\\\\\" \\\\\\\\ \\\\t \\\\u2028\\",\\"n\\":[1.5,null,true]}"}');
INSERT INTO tasks SELECT * FROM json_populate_record(NULL::tasks, E'{"id":"01a207e4-4442-722c-9bb9-da7beba2783a","status":"queued","attempt":0,"type":"rich.01a207e4-4442-722c-9bb9-da7991674878","queue":"rich","priority":7,"seq":4,"hold":"no_worker","expires_at":"2029-05-11T03:04:05.678901+00:00","worker":null,"lease_no":null,"rev":2,"leased_at":null,"taken":null,"missing":0,"crashes":0,"transits":0,"cancel_requested_at":null,"started_at":null,"timeout":null,"retry_count":0,"max_retries":null,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":["a","b,c","\\"d\\"","{e}"],"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","account_id":"default","user_id":"Žofie ''quote\\" \\\\ %s $1 🦊","run_at":null,"retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":null,"unrouted":false,"unique_key":null,"parent_id":"01a207e4-4442-722c-9bb9-da7ac3a73f62","schedule_id":"s1","workflow_id":"w1","octets":66,"payload":"{\\"text\\":\\"ünïcödé \\\\\\"quoted\\\\\\" \\\\\\\\ \\\\t \\\\u2028\\",\\"n\\":[1.5,null,true]}"}');
INSERT INTO tasks SELECT * FROM json_populate_record(NULL::tasks, E'{"id":"01a207e4-4443-72f2-b670-3fcb72b53469","status":"running","attempt":1,"type":"rich.01a207e4-4443-72f2-b670-3fc8b05f462e","queue":"rich","priority":7,"seq":5,"hold":null,"expires_at":"2029-05-11T03:04:05.678901+00:00","worker":"01a207e4-4444-7757-a5b7-f1ae4f150194","lease_no":2,"rev":2,"leased_at":"2026-11-23T03:04:05.678901+00:00","taken":"unknown","missing":0,"crashes":0,"transits":0,"cancel_requested_at":null,"started_at":null,"timeout":null,"retry_count":0,"max_retries":null,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":["a","b,c","\\"d\\"","{e}"],"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","account_id":"default","user_id":"Žofie ''quote\\" \\\\ %s $1 🦊","run_at":null,"retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":null,"unrouted":false,"unique_key":null,"parent_id":"01a207e4-4443-72f2-b670-3fc967f6771e","schedule_id":"s1","workflow_id":"w1","octets":66,"payload":"{\\"text\\":\\"ünïcödé \\\\\\"quoted\\\\\\" \\\\\\\\ \\\\t \\\\u2028\\",\\"n\\":[1.5,null,true]}"}');
INSERT INTO tasks SELECT * FROM json_populate_record(NULL::tasks, E'{"id":"01a207e4-445e-75e5-b152-64cc9d292c80","status":"running","attempt":1,"type":"running.started","queue":"default","priority":5,"seq":10,"hold":null,"expires_at":null,"worker":"01a207e4-445f-704e-92af-6db306197a5c","lease_no":6,"rev":4,"leased_at":"2026-11-23T03:04:05.678901+00:00","taken":"started","missing":0,"crashes":0,"transits":0,"cancel_requested_at":null,"started_at":"2026-11-23T03:04:05.678901+00:00","timeout":60,"retry_count":0,"max_retries":3,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":[],"traceparent":null,"account_id":"default","user_id":null,"run_at":null,"retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":"{\\"fraction\\":0.5,\\"message\\":\\"half of it\\",\\"at\\":\\"2026-11-23T03:04:05.678901Z\\"}","error":null,"unrouted":false,"unique_key":null,"parent_id":null,"schedule_id":null,"workflow_id":null,"octets":7,"payload":"{\\"n\\":1}"}');
INSERT INTO tasks SELECT * FROM json_populate_record(NULL::tasks, E'{"id":"01a207e4-4470-7557-ac9a-e4f3d619f7d8","status":"running","attempt":1,"type":"running.asked","queue":"default","priority":5,"seq":11,"hold":null,"expires_at":null,"worker":"01a207e4-4471-70be-b0fc-2a96e0389986","lease_no":7,"rev":3,"leased_at":"2026-11-23T03:04:05.678901+00:00","taken":"unknown","missing":0,"crashes":0,"transits":0,"cancel_requested_at":"2026-11-23T03:04:05.678901+00:00","started_at":null,"timeout":60,"retry_count":0,"max_retries":3,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":[],"traceparent":null,"account_id":"default","user_id":null,"run_at":null,"retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":null,"unrouted":false,"unique_key":null,"parent_id":null,"schedule_id":null,"workflow_id":null,"octets":7,"payload":"{\\"n\\":1}"}');
INSERT INTO tasks SELECT * FROM json_populate_record(NULL::tasks, E'{"id":"01a207e4-4476-7424-bf94-e759ef9ea781","status":"queued","attempt":0,"type":"child","queue":"default","priority":5,"seq":12,"hold":"no_worker","expires_at":null,"worker":null,"lease_no":null,"rev":2,"leased_at":null,"taken":null,"missing":0,"crashes":0,"transits":0,"cancel_requested_at":null,"started_at":null,"timeout":60,"retry_count":0,"max_retries":3,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":[],"traceparent":null,"account_id":"default","user_id":null,"run_at":null,"retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":null,"unrouted":true,"unique_key":null,"parent_id":"01a207e4-445e-75e5-b152-64cc9d292c80","schedule_id":null,"workflow_id":null,"octets":7,"payload":"{\\"n\\":1}"}');
INSERT INTO tasks SELECT * FROM json_populate_record(NULL::tasks, E'{"id":"01a207e4-4495-746c-a491-f074d592a256","status":"scheduled","attempt":1,"type":"again.retried","queue":"default","priority":5,"seq":15,"hold":null,"expires_at":null,"worker":null,"lease_no":12,"rev":3,"leased_at":null,"taken":null,"missing":0,"crashes":0,"transits":0,"cancel_requested_at":null,"started_at":null,"timeout":60,"retry_count":1,"max_retries":3,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":[],"traceparent":null,"account_id":"default","user_id":null,"run_at":"2026-11-23T03:04:15.678901+00:00","retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":"{\\"type\\":\\"ValueError\\",\\"message\\":\\"oops\\",\\"traceback\\":\\"Traceback …\\"}","unrouted":false,"unique_key":null,"parent_id":null,"schedule_id":null,"workflow_id":null,"octets":7,"payload":"{\\"n\\":1}"}');
INSERT INTO tasks SELECT * FROM json_populate_record(NULL::tasks, E'{"id":"01a207e4-44a1-774a-8629-b409579eb711","status":"scheduled","attempt":1,"type":"again.snoozed","queue":"default","priority":5,"seq":16,"hold":null,"expires_at":null,"worker":null,"lease_no":13,"rev":3,"leased_at":null,"taken":null,"missing":0,"crashes":0,"transits":0,"cancel_requested_at":null,"started_at":null,"timeout":60,"retry_count":0,"max_retries":3,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":[],"traceparent":null,"account_id":"default","user_id":null,"run_at":"2027-12-28T03:04:05.678901+00:00","retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":null,"unrouted":false,"unique_key":null,"parent_id":null,"schedule_id":null,"workflow_id":null,"octets":7,"payload":"{\\"n\\":1}"}');
INSERT INTO tasks SELECT * FROM json_populate_record(NULL::tasks, E'{"id":"01a207e4-44a8-7087-82d1-66a10f03006c","status":"running","attempt":2,"type":"again.released","queue":"default","priority":5,"seq":17,"hold":null,"expires_at":null,"worker":"01a207e4-44a9-724f-ba42-67928e1d2820","lease_no":16,"rev":4,"leased_at":"2026-11-23T03:04:05.678901+00:00","taken":"unknown","missing":0,"crashes":0,"transits":0,"cancel_requested_at":null,"started_at":null,"timeout":60,"retry_count":0,"max_retries":3,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":[],"traceparent":null,"account_id":"default","user_id":null,"run_at":null,"retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":null,"unrouted":false,"unique_key":null,"parent_id":null,"schedule_id":null,"workflow_id":null,"octets":7,"payload":"{\\"n\\":1}"}');
INSERT INTO tasks SELECT * FROM json_populate_record(NULL::tasks, E'{"id":"01a207e4-44cd-7471-b5b8-a62262cbdd9a","status":"queued","attempt":0,"type":"keyed","queue":"default","priority":5,"seq":21,"hold":null,"expires_at":null,"worker":null,"lease_no":null,"rev":1,"leased_at":null,"taken":null,"missing":0,"crashes":0,"transits":0,"cancel_requested_at":null,"started_at":null,"timeout":60,"retry_count":0,"max_retries":3,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":[],"traceparent":null,"account_id":"default","user_id":null,"run_at":null,"retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":null,"unrouted":true,"unique_key":null,"parent_id":null,"schedule_id":null,"workflow_id":null,"octets":7,"payload":"{\\"n\\":1}"}');
INSERT INTO tasks SELECT * FROM json_populate_record(NULL::tasks, E'{"id":"01a207e4-44ce-70ce-ab93-e23554889519","status":"queued","attempt":0,"type":"unique","queue":"default","priority":5,"seq":22,"hold":null,"expires_at":null,"worker":null,"lease_no":null,"rev":1,"leased_at":null,"taken":null,"missing":0,"crashes":0,"transits":0,"cancel_requested_at":null,"started_at":null,"timeout":60,"retry_count":0,"max_retries":3,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":[],"traceparent":null,"account_id":"default","user_id":null,"run_at":null,"retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":null,"unrouted":true,"unique_key":"only one","parent_id":null,"schedule_id":null,"workflow_id":null,"octets":7,"payload":"{\\"n\\":1}"}');
INSERT INTO tasks SELECT * FROM json_populate_record(NULL::tasks, E'{"id":"01a207e4-44d1-7168-b4d6-ee70845c68dc","status":"queued","attempt":0,"type":"line","queue":"line","priority":5,"seq":23,"hold":null,"expires_at":null,"worker":null,"lease_no":null,"rev":1,"leased_at":null,"taken":null,"missing":0,"crashes":0,"transits":0,"cancel_requested_at":null,"started_at":null,"timeout":60,"retry_count":0,"max_retries":3,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":[],"traceparent":null,"account_id":"default","user_id":null,"run_at":null,"retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":null,"unrouted":false,"unique_key":null,"parent_id":null,"schedule_id":null,"workflow_id":null,"octets":7,"payload":"{\\"n\\":1}"}');
INSERT INTO tasks SELECT * FROM json_populate_record(NULL::tasks, E'{"id":"01a207e4-44d1-7168-b4d6-ee718714e003","status":"queued","attempt":0,"type":"line","queue":"line","priority":9,"seq":24,"hold":null,"expires_at":null,"worker":null,"lease_no":null,"rev":1,"leased_at":null,"taken":null,"missing":0,"crashes":0,"transits":0,"cancel_requested_at":null,"started_at":null,"timeout":60,"retry_count":0,"max_retries":3,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":[],"traceparent":null,"account_id":"default","user_id":null,"run_at":null,"retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":null,"unrouted":false,"unique_key":null,"parent_id":null,"schedule_id":null,"workflow_id":null,"octets":7,"payload":"{\\"n\\":1}"}');
INSERT INTO tasks SELECT * FROM json_populate_record(NULL::tasks, E'{"id":"01a207e4-44d1-7168-b4d6-ee72569bc049","status":"queued","attempt":0,"type":"line","queue":"line","priority":0,"seq":25,"hold":null,"expires_at":null,"worker":null,"lease_no":null,"rev":1,"leased_at":null,"taken":null,"missing":0,"crashes":0,"transits":0,"cancel_requested_at":null,"started_at":null,"timeout":60,"retry_count":0,"max_retries":3,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":[],"traceparent":null,"account_id":"default","user_id":null,"run_at":null,"retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":null,"unrouted":false,"unique_key":null,"parent_id":null,"schedule_id":null,"workflow_id":null,"octets":7,"payload":"{\\"n\\":1}"}');
INSERT INTO tasks SELECT * FROM json_populate_record(NULL::tasks, E'{"id":"01a207e4-44d1-7168-b4d6-ee732995a894","status":"queued","attempt":0,"type":"line","queue":"line","priority":5,"seq":26,"hold":null,"expires_at":null,"worker":null,"lease_no":null,"rev":1,"leased_at":null,"taken":null,"missing":0,"crashes":0,"transits":0,"cancel_requested_at":null,"started_at":null,"timeout":60,"retry_count":0,"max_retries":3,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":[],"traceparent":null,"account_id":"default","user_id":null,"run_at":null,"retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":null,"unrouted":false,"unique_key":null,"parent_id":null,"schedule_id":null,"workflow_id":null,"octets":7,"payload":"{\\"n\\":1}"}');
INSERT INTO tasks SELECT * FROM json_populate_record(NULL::tasks, E'{"id":"01a207e4-44bf-7265-a72f-84ae630aaa7b","status":"queued","attempt":0,"type":"nobody.knows.it","queue":"default","priority":5,"seq":20,"hold":"no_worker","expires_at":null,"worker":null,"lease_no":null,"rev":2,"leased_at":null,"taken":null,"missing":0,"crashes":0,"transits":0,"cancel_requested_at":null,"started_at":null,"timeout":60,"retry_count":0,"max_retries":3,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":[],"traceparent":null,"account_id":"default","user_id":null,"run_at":null,"retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":null,"unrouted":true,"unique_key":null,"parent_id":null,"schedule_id":null,"workflow_id":null,"octets":7,"payload":"{\\"n\\":1}"}');
INSERT INTO tasks SELECT * FROM json_populate_record(NULL::tasks, E'{"id":"01a207e4-44ae-723f-b297-a6e15f96bc6c","status":"running","attempt":2,"type":"again.redriven","queue":"default","priority":5,"seq":19,"hold":null,"expires_at":null,"worker":"01a207e4-44af-7163-8acb-e6a42e535a4a","lease_no":17,"rev":5,"leased_at":"2026-11-23T03:04:05.678901+00:00","taken":"unknown","missing":0,"crashes":0,"transits":0,"cancel_requested_at":null,"started_at":null,"timeout":60,"retry_count":0,"max_retries":3,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":[],"traceparent":null,"account_id":"default","user_id":null,"run_at":null,"retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":null,"unrouted":false,"unique_key":null,"parent_id":null,"schedule_id":null,"workflow_id":null,"octets":7,"payload":"{\\"n\\":1}"}');
INSERT INTO finished_tasks SELECT * FROM json_populate_record(NULL::finished_tasks, E'{"id":"01a207e4-4452-7016-b14b-6234e92e8c5d","status":"cancelled","attempt":1,"type":"rich.01a207e4-4452-7016-b14b-6231ea093217","queue":"rich","priority":7,"expires_at":"2029-05-11T03:04:05.678901+00:00","worker":"01a207e4-4453-7124-bbf7-8cef622b1fb8","rev":4,"crashes":0,"cancel_requested_at":"2026-11-23T03:04:05.678901+00:00","started_at":"2026-11-23T03:04:05.678901+00:00","timeout":null,"retry_count":0,"max_retries":null,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":["a","b,c","\\"d\\"","{e}"],"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","account_id":"default","user_id":"Žofie ''quote\\" \\\\ %s $1 🦊","run_at":null,"finished_at":"2026-11-23T03:04:05.678901+00:00","outcome":"aborted","ended_by":"aborted","reason":null,"retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":null,"result":null,"result_ref":null,"unrouted":false,"unique_key":null,"parent_id":"01a207e4-4452-7016-b14b-6232e3bd32a5","schedule_id":"s1","workflow_id":"w1","octets":66,"payload":"{\\"text\\":\\"ünïcödé \\\\\\"quoted\\\\\\" \\\\\\\\ \\\\t \\\\u2028\\",\\"n\\":[1.5,null,true]}"}');
INSERT INTO finished_tasks SELECT * FROM json_populate_record(NULL::finished_tasks, E'{"id":"01a1385d-fb2e-7548-8314-32183eadc6e0","status":"failed","attempt":1,"type":"old","queue":"default","priority":5,"expires_at":null,"worker":"01a207e4-4433-72d6-bd55-f30ae53c460e","rev":3,"crashes":0,"cancel_requested_at":null,"started_at":"2026-10-14T03:04:05.678901+00:00","timeout":60,"retry_count":0,"max_retries":3,"created_at":"2026-10-14T03:04:05.678901+00:00","tags":["old"],"traceparent":null,"account_id":"default","user_id":null,"run_at":null,"finished_at":"2026-10-14T03:04:05.678901+00:00","outcome":"failed","ended_by":"failed","reason":"handler","retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":"{\\"type\\":\\"ValueError\\",\\"message\\":\\"oops\\",\\"traceback\\":\\"Traceback …\\"}","result":null,"result_ref":null,"unrouted":false,"unique_key":null,"parent_id":null,"schedule_id":null,"workflow_id":null,"octets":7,"payload":"{\\"n\\":1}"}');
INSERT INTO finished_tasks SELECT * FROM json_populate_record(NULL::finished_tasks, E'{"id":"01a207e4-444d-7309-938f-0a2d2ca91f12","status":"failed","attempt":1,"type":"rich.01a207e4-444d-7309-938f-0a2a05b21170","queue":"rich","priority":7,"expires_at":"2029-05-11T03:04:05.678901+00:00","worker":"01a207e4-444e-7373-b155-98495387f9ac","rev":3,"crashes":0,"cancel_requested_at":null,"started_at":"2026-11-23T03:04:05.678901+00:00","timeout":null,"retry_count":0,"max_retries":null,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":["a","b,c","\\"d\\"","{e}"],"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","account_id":"default","user_id":"Žofie ''quote\\" \\\\ %s $1 🦊","run_at":null,"finished_at":"2026-11-23T03:04:05.678901+00:00","outcome":"failed","ended_by":"failed","reason":"handler","retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":"{\\"type\\":\\"ValueError\\",\\"message\\":\\"oops\\",\\"traceback\\":\\"Traceback …\\"}","result":null,"result_ref":null,"unrouted":false,"unique_key":null,"parent_id":"01a207e4-444d-7309-938f-0a2b626e1b3b","schedule_id":"s1","workflow_id":"w1","octets":66,"payload":"{\\"text\\":\\"ünïcödé \\\\\\"quoted\\\\\\" \\\\\\\\ \\\\t \\\\u2028\\",\\"n\\":[1.5,null,true]}"}');
INSERT INTO finished_tasks SELECT * FROM json_populate_record(NULL::finished_tasks, E'{"id":"01a207e4-445c-76d1-98c3-1e86216b9db2","status":"skipped","attempt":0,"type":"rich.01a207e4-445c-76d1-98c3-1e84e1b668b3","queue":"rich","priority":7,"expires_at":"2029-05-11T03:04:05.678901+00:00","worker":null,"rev":2,"crashes":0,"cancel_requested_at":null,"started_at":null,"timeout":null,"retry_count":0,"max_retries":null,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":["a","b,c","\\"d\\"","{e}"],"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","account_id":"default","user_id":"Žofie ''quote\\" \\\\ %s $1 🦊","run_at":null,"finished_at":"2026-11-23T03:04:05.678901+00:00","outcome":null,"ended_by":null,"reason":null,"retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":null,"result":null,"result_ref":null,"unrouted":false,"unique_key":null,"parent_id":"01a207e4-445c-76d1-98c3-1e85a11be066","schedule_id":"s1","workflow_id":"w1","octets":66,"payload":"{\\"text\\":\\"ünïcödé \\\\\\"quoted\\\\\\" \\\\\\\\ \\\\t \\\\u2028\\",\\"n\\":[1.5,null,true]}"}');
INSERT INTO finished_tasks SELECT * FROM json_populate_record(NULL::finished_tasks, E'{"id":"01a207e4-4447-772f-b567-6f6b7cf6a3d6","status":"success","attempt":1,"type":"rich.01a207e4-4447-772f-b567-6f68a4af0f9c","queue":"rich","priority":7,"expires_at":"2029-05-11T03:04:05.678901+00:00","worker":"01a207e4-4448-7481-81a2-68b45900aa30","rev":3,"crashes":0,"cancel_requested_at":null,"started_at":"2026-11-23T03:04:05.678901+00:00","timeout":null,"retry_count":0,"max_retries":null,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":["a","b,c","\\"d\\"","{e}"],"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","account_id":"default","user_id":"Žofie ''quote\\" \\\\ %s $1 🦊","run_at":null,"finished_at":"2026-11-23T03:04:05.678901+00:00","outcome":"succeeded","ended_by":"succeeded","reason":null,"retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":null,"result":"null","result_ref":null,"unrouted":false,"unique_key":null,"parent_id":"01a207e4-4447-772f-b567-6f6954904646","schedule_id":"s1","workflow_id":"w1","octets":66,"payload":"{\\"text\\":\\"ünïcödé \\\\\\"quoted\\\\\\" \\\\\\\\ \\\\t \\\\u2028\\",\\"n\\":[1.5,null,true]}"}');
INSERT INTO finished_tasks SELECT * FROM json_populate_record(NULL::finished_tasks, E'{"id":"01a207e4-4479-748b-8019-9ed82c4c2a0d","status":"success","attempt":1,"type":"ended.large","queue":"default","priority":5,"expires_at":null,"worker":"01a207e4-4479-748b-8019-9ed91f5ff0a0","rev":3,"crashes":0,"cancel_requested_at":null,"started_at":"2026-11-23T03:04:05.678901+00:00","timeout":60,"retry_count":0,"max_retries":3,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":[],"traceparent":null,"account_id":"default","user_id":null,"run_at":null,"finished_at":"2026-11-23T03:04:05.678901+00:00","outcome":"succeeded","ended_by":"succeeded","reason":null,"retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":null,"result":null,"result_ref":"{\\"storage\\":\\"folder\\",\\"ref\\":\\"0d/01a207e4-4479-748b-8019-9ed82c4c2a0d.1.json\\",\\"preview\\":\\"\\\\\\"x\\",\\"size\\":70000,\\"ttl\\":60.0}","unrouted":false,"unique_key":null,"parent_id":null,"schedule_id":null,"workflow_id":null,"octets":7,"payload":"{\\"n\\":1}"}');
INSERT INTO finished_tasks SELECT * FROM json_populate_record(NULL::finished_tasks, E'{"id":"01a207e4-447d-724e-a7f8-d5214d9a2db2","status":"success","attempt":3,"type":"ended.crashed","queue":"default","priority":5,"expires_at":null,"worker":"01a207e4-448b-706a-9e19-801fc21be0de","rev":7,"crashes":2,"cancel_requested_at":null,"started_at":"2026-11-23T03:04:05.678901+00:00","timeout":60,"retry_count":0,"max_retries":3,"created_at":"2026-11-23T03:04:05.678901+00:00","tags":[],"traceparent":null,"account_id":"default","user_id":null,"run_at":null,"finished_at":"2026-11-23T03:04:05.678901+00:00","outcome":"succeeded","ended_by":"succeeded","reason":null,"retry":"{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true}","progress":null,"error":null,"result":"{\\"ü\\":1e3}","result_ref":null,"unrouted":false,"unique_key":null,"parent_id":null,"schedule_id":null,"workflow_id":null,"octets":7,"payload":"{\\"n\\":1}"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"old","task_id":"01a1385d-fb2e-7548-8314-32183eadc6e0"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"a","task_id":"01a207e4-443f-71c1-a832-75fad8095b22"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"b,c","task_id":"01a207e4-443f-71c1-a832-75fad8095b22"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, E'{"account_id":"default","tag":"\\"d\\"","task_id":"01a207e4-443f-71c1-a832-75fad8095b22"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"{e}","task_id":"01a207e4-443f-71c1-a832-75fad8095b22"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"a","task_id":"01a207e4-4441-7362-b45b-fd69ac05a498"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"b,c","task_id":"01a207e4-4441-7362-b45b-fd69ac05a498"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, E'{"account_id":"default","tag":"\\"d\\"","task_id":"01a207e4-4441-7362-b45b-fd69ac05a498"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"{e}","task_id":"01a207e4-4441-7362-b45b-fd69ac05a498"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"a","task_id":"01a207e4-4442-722c-9bb9-da7beba2783a"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"b,c","task_id":"01a207e4-4442-722c-9bb9-da7beba2783a"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, E'{"account_id":"default","tag":"\\"d\\"","task_id":"01a207e4-4442-722c-9bb9-da7beba2783a"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"{e}","task_id":"01a207e4-4442-722c-9bb9-da7beba2783a"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"a","task_id":"01a207e4-4443-72f2-b670-3fcb72b53469"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"b,c","task_id":"01a207e4-4443-72f2-b670-3fcb72b53469"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, E'{"account_id":"default","tag":"\\"d\\"","task_id":"01a207e4-4443-72f2-b670-3fcb72b53469"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"{e}","task_id":"01a207e4-4443-72f2-b670-3fcb72b53469"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"a","task_id":"01a207e4-4447-772f-b567-6f6b7cf6a3d6"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"b,c","task_id":"01a207e4-4447-772f-b567-6f6b7cf6a3d6"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, E'{"account_id":"default","tag":"\\"d\\"","task_id":"01a207e4-4447-772f-b567-6f6b7cf6a3d6"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"{e}","task_id":"01a207e4-4447-772f-b567-6f6b7cf6a3d6"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"a","task_id":"01a207e4-444d-7309-938f-0a2d2ca91f12"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"b,c","task_id":"01a207e4-444d-7309-938f-0a2d2ca91f12"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, E'{"account_id":"default","tag":"\\"d\\"","task_id":"01a207e4-444d-7309-938f-0a2d2ca91f12"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"{e}","task_id":"01a207e4-444d-7309-938f-0a2d2ca91f12"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"a","task_id":"01a207e4-4452-7016-b14b-6234e92e8c5d"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"b,c","task_id":"01a207e4-4452-7016-b14b-6234e92e8c5d"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, E'{"account_id":"default","tag":"\\"d\\"","task_id":"01a207e4-4452-7016-b14b-6234e92e8c5d"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"{e}","task_id":"01a207e4-4452-7016-b14b-6234e92e8c5d"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"a","task_id":"01a207e4-445c-76d1-98c3-1e86216b9db2"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"b,c","task_id":"01a207e4-445c-76d1-98c3-1e86216b9db2"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, E'{"account_id":"default","tag":"\\"d\\"","task_id":"01a207e4-445c-76d1-98c3-1e86216b9db2"}');
INSERT INTO task_tags SELECT * FROM json_populate_record(NULL::task_tags, '{"account_id":"default","tag":"{e}","task_id":"01a207e4-445c-76d1-98c3-1e86216b9db2"}');
INSERT INTO attempts SELECT * FROM json_populate_record(NULL::attempts, '{"task_id":"01a207e4-447d-724e-a7f8-d5214d9a2db2","attempt":1,"outcome":"lost","ended_by":"lost","started_at":null,"ended_at":"2026-11-23T03:04:05.678901+00:00","worker":"01a207e4-447e-71c2-b906-84b0ec484451","error":null,"crashed":true}');
INSERT INTO attempts SELECT * FROM json_populate_record(NULL::attempts, '{"task_id":"01a207e4-447d-724e-a7f8-d5214d9a2db2","attempt":2,"outcome":"lost","ended_by":"lost","started_at":null,"ended_at":"2026-11-23T03:04:05.678901+00:00","worker":"01a207e4-4485-70bb-b562-20387e7d741c","error":null,"crashed":true}');
INSERT INTO attempts SELECT * FROM json_populate_record(NULL::attempts, E'{"task_id":"01a207e4-4495-746c-a491-f074d592a256","attempt":1,"outcome":"failed","ended_by":"failed","started_at":"2026-11-23T03:04:05.678901+00:00","ended_at":"2026-11-23T03:04:05.678901+00:00","worker":"01a207e4-4499-77e0-9b37-29708263f28b","error":"{\\"type\\":\\"ValueError\\",\\"message\\":\\"oops\\",\\"traceback\\":\\"Traceback …\\"}","crashed":false}');
INSERT INTO attempts SELECT * FROM json_populate_record(NULL::attempts, '{"task_id":"01a207e4-44a1-774a-8629-b409579eb711","attempt":1,"outcome":"snoozed","ended_by":"snoozed","started_at":"2026-11-23T03:04:05.678901+00:00","ended_at":"2026-11-23T03:04:05.678901+00:00","worker":"01a207e4-44a2-7452-a9e5-7fe6e80e2fc1","error":null,"crashed":false}');
INSERT INTO attempts SELECT * FROM json_populate_record(NULL::attempts, '{"task_id":"01a207e4-44a8-7087-82d1-66a10f03006c","attempt":1,"outcome":"released","ended_by":"released","started_at":null,"ended_at":"2026-11-23T03:04:05.678901+00:00","worker":"01a207e4-44a9-724f-ba42-67928e1d2820","error":null,"crashed":false}');
INSERT INTO attempts SELECT * FROM json_populate_record(NULL::attempts, E'{"task_id":"01a207e4-44ae-723f-b297-a6e15f96bc6c","attempt":1,"outcome":"failed","ended_by":"failed","started_at":"2026-11-23T03:04:05.678901+00:00","ended_at":"2026-11-23T03:04:05.678901+00:00","worker":"01a207e4-44af-7163-8acb-e6a42e535a4a","error":"{\\"type\\":\\"ValueError\\",\\"message\\":\\"oops\\",\\"traceback\\":\\"Traceback …\\"}","crashed":false}');
INSERT INTO log_lines SELECT * FROM json_populate_record(NULL::log_lines, '{"task_id":"01a207e4-445e-75e5-b152-64cc9d292c80","attempt":1,"n":3,"at":"2027-12-28T03:04:05.678901+00:00","kept_at":"2026-11-23T03:04:05.678901+00:00","level":"warning","message":"another one","fields":"{}"}');
INSERT INTO log_lines SELECT * FROM json_populate_record(NULL::log_lines, '{"task_id":"01a207e4-445e-75e5-b152-64cc9d292c80","attempt":1,"n":2,"at":"2025-10-19T03:04:05.678901+00:00","kept_at":"2026-11-23T03:04:05.678901+00:00","level":"warning","message":"a clock that is off","fields":"{}"}');
INSERT INTO log_lines SELECT * FROM json_populate_record(NULL::log_lines, E'{"task_id":"01a207e4-445e-75e5-b152-64cc9d292c80","attempt":1,"n":1,"at":"2026-11-23T03:04:05.678901+00:00","kept_at":"2026-11-23T03:04:05.678901+00:00","level":"info","message":"one\\ntwo","fields":"{\\"x\\":1}"}');
INSERT INTO idempotency_keys SELECT * FROM json_populate_record(NULL::idempotency_keys, E'{"account_id":"default","route":"POST /tasks","key":"order-1","fingerprint":"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff","answer":"[[\\"01a207e4-44cd-7471-b5b8-a62262cbdd9a\\",true]]","expires_at":"2026-11-24T03:04:05.678901+00:00"}');
INSERT INTO unique_keys SELECT * FROM json_populate_record(NULL::unique_keys, '{"account_id":"default","type":"unique","key":"only one","task_id":"01a207e4-44ce-70ce-ab93-e23554889519","until":"2026-11-23T04:04:05.678901+00:00"}');
INSERT INTO calls SELECT * FROM json_populate_record(NULL::calls, E'{"task_id":"01a207e4-445e-75e5-b152-64cc9d292c80","number":1,"answer":"[[\\"01a207e4-4476-7424-bf94-e759ef9ea781\\",true]]","called_at":"2026-11-23T03:04:05.678901+00:00"}');
INSERT INTO workers SELECT * FROM json_populate_record(NULL::workers, '{"id":"01a207e4-4433-72d6-bd55-f30ae53c460e","name":"w","host":"h","pid":1,"version":"1","state":"alive","slots":100,"window":0,"queues":[],"types":["old"],"registered_at":"2026-10-14T03:04:05.678901+00:00","last_beat_at":"2026-10-14T03:04:05.678901+00:00","died_at":null,"beats":0,"stuck":[],"loop_lag_s":0}');
INSERT INTO workers SELECT * FROM json_populate_record(NULL::workers, '{"id":"01a207e4-4444-7757-a5b7-f1ae4f150194","name":"w","host":"h","pid":1,"version":"1","state":"alive","slots":100,"window":0,"queues":[],"types":["rich.01a207e4-4443-72f2-b670-3fc8b05f462e"],"registered_at":"2026-11-23T03:04:05.678901+00:00","last_beat_at":"2026-11-23T03:04:05.678901+00:00","died_at":null,"beats":0,"stuck":[],"loop_lag_s":0}');
INSERT INTO workers SELECT * FROM json_populate_record(NULL::workers, '{"id":"01a207e4-4448-7481-81a2-68b45900aa30","name":"w","host":"h","pid":1,"version":"1","state":"alive","slots":100,"window":0,"queues":[],"types":["rich.01a207e4-4447-772f-b567-6f68a4af0f9c"],"registered_at":"2026-11-23T03:04:05.678901+00:00","last_beat_at":"2026-11-23T03:04:05.678901+00:00","died_at":null,"beats":0,"stuck":[],"loop_lag_s":0}');
INSERT INTO workers SELECT * FROM json_populate_record(NULL::workers, '{"id":"01a207e4-444e-7373-b155-98495387f9ac","name":"w","host":"h","pid":1,"version":"1","state":"alive","slots":100,"window":0,"queues":[],"types":["rich.01a207e4-444d-7309-938f-0a2a05b21170"],"registered_at":"2026-11-23T03:04:05.678901+00:00","last_beat_at":"2026-11-23T03:04:05.678901+00:00","died_at":null,"beats":0,"stuck":[],"loop_lag_s":0}');
INSERT INTO workers SELECT * FROM json_populate_record(NULL::workers, '{"id":"01a207e4-4453-7124-bbf7-8cef622b1fb8","name":"w","host":"h","pid":1,"version":"1","state":"alive","slots":100,"window":0,"queues":[],"types":["rich.01a207e4-4452-7016-b14b-6231ea093217"],"registered_at":"2026-11-23T03:04:05.678901+00:00","last_beat_at":"2026-11-23T03:04:05.678901+00:00","died_at":null,"beats":0,"stuck":[],"loop_lag_s":0}');
INSERT INTO workers SELECT * FROM json_populate_record(NULL::workers, '{"id":"01a207e4-445f-704e-92af-6db306197a5c","name":"w","host":"h","pid":1,"version":"1","state":"alive","slots":100,"window":0,"queues":[],"types":["running.started"],"registered_at":"2026-11-23T03:04:05.678901+00:00","last_beat_at":"2026-11-23T03:04:05.678901+00:00","died_at":null,"beats":1,"stuck":["01a207e4-445e-75e5-b152-64cc9d292c80"],"loop_lag_s":0.25}');
INSERT INTO workers SELECT * FROM json_populate_record(NULL::workers, '{"id":"01a207e4-4471-70be-b0fc-2a96e0389986","name":"w","host":"h","pid":1,"version":"1","state":"alive","slots":100,"window":0,"queues":[],"types":["running.asked"],"registered_at":"2026-11-23T03:04:05.678901+00:00","last_beat_at":"2026-11-23T03:04:05.678901+00:00","died_at":null,"beats":0,"stuck":[],"loop_lag_s":0}');
INSERT INTO workers SELECT * FROM json_populate_record(NULL::workers, '{"id":"01a207e4-4479-748b-8019-9ed91f5ff0a0","name":"w","host":"h","pid":1,"version":"1","state":"alive","slots":100,"window":0,"queues":[],"types":["ended.large"],"registered_at":"2026-11-23T03:04:05.678901+00:00","last_beat_at":"2026-11-23T03:04:05.678901+00:00","died_at":null,"beats":0,"stuck":[],"loop_lag_s":0}');
INSERT INTO workers SELECT * FROM json_populate_record(NULL::workers, '{"id":"01a207e4-447e-71c2-b906-84b0ec484451","name":"w","host":"h","pid":1,"version":"1","state":"alive","slots":100,"window":0,"queues":[],"types":["ended.crashed"],"registered_at":"2026-11-23T03:04:05.678901+00:00","last_beat_at":"2026-11-23T03:04:05.678901+00:00","died_at":null,"beats":0,"stuck":[],"loop_lag_s":0}');
INSERT INTO workers SELECT * FROM json_populate_record(NULL::workers, '{"id":"01a207e4-4485-70bb-b562-20387e7d741c","name":"w","host":"h","pid":1,"version":"1","state":"alive","slots":1,"window":0,"queues":[],"types":["ended.crashed"],"registered_at":"2026-11-23T03:04:05.678901+00:00","last_beat_at":"2026-11-23T03:04:05.678901+00:00","died_at":null,"beats":0,"stuck":[],"loop_lag_s":0}');
INSERT INTO workers SELECT * FROM json_populate_record(NULL::workers, '{"id":"01a207e4-448b-706a-9e19-801fc21be0de","name":"w","host":"h","pid":1,"version":"1","state":"alive","slots":1,"window":0,"queues":[],"types":["ended.crashed"],"registered_at":"2026-11-23T03:04:05.678901+00:00","last_beat_at":"2026-11-23T03:04:05.678901+00:00","died_at":null,"beats":0,"stuck":[],"loop_lag_s":0}');
INSERT INTO workers SELECT * FROM json_populate_record(NULL::workers, '{"id":"01a207e4-4499-77e0-9b37-29708263f28b","name":"w","host":"h","pid":1,"version":"1","state":"alive","slots":100,"window":0,"queues":[],"types":["again.retried"],"registered_at":"2026-11-23T03:04:05.678901+00:00","last_beat_at":"2026-11-23T03:04:05.678901+00:00","died_at":null,"beats":0,"stuck":[],"loop_lag_s":0}');
INSERT INTO workers SELECT * FROM json_populate_record(NULL::workers, '{"id":"01a207e4-44a2-7452-a9e5-7fe6e80e2fc1","name":"w","host":"h","pid":1,"version":"1","state":"alive","slots":100,"window":0,"queues":[],"types":["again.snoozed"],"registered_at":"2026-11-23T03:04:05.678901+00:00","last_beat_at":"2026-11-23T03:04:05.678901+00:00","died_at":null,"beats":0,"stuck":[],"loop_lag_s":0}');
INSERT INTO workers SELECT * FROM json_populate_record(NULL::workers, '{"id":"01a207e4-44a9-724f-ba42-67928e1d2820","name":"w","host":"h","pid":1,"version":"1","state":"alive","slots":100,"window":0,"queues":[],"types":["again.released"],"registered_at":"2026-11-23T03:04:05.678901+00:00","last_beat_at":"2026-11-23T03:04:05.678901+00:00","died_at":null,"beats":0,"stuck":[],"loop_lag_s":0}');
INSERT INTO workers SELECT * FROM json_populate_record(NULL::workers, '{"id":"01a207e4-44af-7163-8acb-e6a42e535a4a","name":"w","host":"h","pid":1,"version":"1","state":"alive","slots":100,"window":0,"queues":[],"types":["again.redriven"],"registered_at":"2026-11-23T03:04:05.678901+00:00","last_beat_at":"2026-11-23T03:04:05.678901+00:00","died_at":null,"beats":0,"stuck":[],"loop_lag_s":0}');
INSERT INTO workers SELECT * FROM json_populate_record(NULL::workers, '{"id":"01a207e4-44c0-71fb-92a6-e9f6abb0519e","name":"w","host":"h","pid":1,"version":"1","state":"alive","slots":100,"window":0,"queues":[],"types":["somebody.else"],"registered_at":"2026-11-23T03:04:05.678901+00:00","last_beat_at":"2026-11-23T03:04:05.678901+00:00","died_at":null,"beats":0,"stuck":[],"loop_lag_s":0}');
INSERT INTO workers SELECT * FROM json_populate_record(NULL::workers, '{"id":"01a207e4-44c7-72c5-aab9-426fba53cd50","name":"w","host":"h","pid":1,"version":"1","state":"alive","slots":3,"window":2,"queues":[],"types":["declared"],"registered_at":"2026-11-23T03:04:05.678901+00:00","last_beat_at":"2026-11-23T03:04:05.678901+00:00","died_at":null,"beats":0,"stuck":[],"loop_lag_s":0}');
INSERT INTO workers SELECT * FROM json_populate_record(NULL::workers, '{"id":"01a207e4-44c9-734e-a925-54912b7f6708","name":"w","host":"h","pid":1,"version":"1","state":"dead","slots":100,"window":0,"queues":[],"types":["retired"],"registered_at":"2026-11-23T03:04:05.678901+00:00","last_beat_at":"2026-11-23T03:04:05.678901+00:00","died_at":"2026-11-23T03:04:05.678901+00:00","beats":0,"stuck":[],"loop_lag_s":0}');
INSERT INTO workers SELECT * FROM json_populate_record(NULL::workers, '{"id":"01a207e4-44ca-7160-a4b5-9deaf6aec307","name":"w","host":"h","pid":1,"version":"1","state":"draining","slots":100,"window":0,"queues":["a","b"],"types":["draining"],"registered_at":"2026-11-23T03:04:05.678901+00:00","last_beat_at":"2026-11-23T03:04:05.678901+00:00","died_at":null,"beats":0,"stuck":[],"loop_lag_s":0}');
INSERT INTO task_types SELECT * FROM json_populate_record(NULL::task_types, E'{"type":"old","queue":"default","on_lost":"retry","document":"{\\"type\\":\\"old\\",\\"queue\\":\\"default\\",\\"description\\":\\"\\",\\"max_retries\\":3,\\"retry\\":{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true},\\"timeout\\":3600.0,\\"on_lost\\":\\"retry\\",\\"payload_schema\\":{},\\"result_schema\\":{}}"}');
INSERT INTO task_types SELECT * FROM json_populate_record(NULL::task_types, E'{"type":"rich.01a207e4-4443-72f2-b670-3fc8b05f462e","queue":"default","on_lost":"retry","document":"{\\"type\\":\\"rich.01a207e4-4443-72f2-b670-3fc8b05f462e\\",\\"queue\\":\\"default\\",\\"description\\":\\"\\",\\"max_retries\\":3,\\"retry\\":{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true},\\"timeout\\":3600.0,\\"on_lost\\":\\"retry\\",\\"payload_schema\\":{},\\"result_schema\\":{}}"}');
INSERT INTO task_types SELECT * FROM json_populate_record(NULL::task_types, E'{"type":"rich.01a207e4-4447-772f-b567-6f68a4af0f9c","queue":"default","on_lost":"retry","document":"{\\"type\\":\\"rich.01a207e4-4447-772f-b567-6f68a4af0f9c\\",\\"queue\\":\\"default\\",\\"description\\":\\"\\",\\"max_retries\\":3,\\"retry\\":{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true},\\"timeout\\":3600.0,\\"on_lost\\":\\"retry\\",\\"payload_schema\\":{},\\"result_schema\\":{}}"}');
INSERT INTO task_types SELECT * FROM json_populate_record(NULL::task_types, E'{"type":"rich.01a207e4-444d-7309-938f-0a2a05b21170","queue":"default","on_lost":"retry","document":"{\\"type\\":\\"rich.01a207e4-444d-7309-938f-0a2a05b21170\\",\\"queue\\":\\"default\\",\\"description\\":\\"\\",\\"max_retries\\":3,\\"retry\\":{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true},\\"timeout\\":3600.0,\\"on_lost\\":\\"retry\\",\\"payload_schema\\":{},\\"result_schema\\":{}}"}');
INSERT INTO task_types SELECT * FROM json_populate_record(NULL::task_types, E'{"type":"rich.01a207e4-4452-7016-b14b-6231ea093217","queue":"default","on_lost":"retry","document":"{\\"type\\":\\"rich.01a207e4-4452-7016-b14b-6231ea093217\\",\\"queue\\":\\"default\\",\\"description\\":\\"\\",\\"max_retries\\":3,\\"retry\\":{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true},\\"timeout\\":3600.0,\\"on_lost\\":\\"retry\\",\\"payload_schema\\":{},\\"result_schema\\":{}}"}');
INSERT INTO task_types SELECT * FROM json_populate_record(NULL::task_types, E'{"type":"running.started","queue":"default","on_lost":"retry","document":"{\\"type\\":\\"running.started\\",\\"queue\\":\\"default\\",\\"description\\":\\"\\",\\"max_retries\\":3,\\"retry\\":{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true},\\"timeout\\":3600.0,\\"on_lost\\":\\"retry\\",\\"payload_schema\\":{},\\"result_schema\\":{}}"}');
INSERT INTO task_types SELECT * FROM json_populate_record(NULL::task_types, E'{"type":"running.asked","queue":"default","on_lost":"retry","document":"{\\"type\\":\\"running.asked\\",\\"queue\\":\\"default\\",\\"description\\":\\"\\",\\"max_retries\\":3,\\"retry\\":{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true},\\"timeout\\":3600.0,\\"on_lost\\":\\"retry\\",\\"payload_schema\\":{},\\"result_schema\\":{}}"}');
INSERT INTO task_types SELECT * FROM json_populate_record(NULL::task_types, E'{"type":"ended.large","queue":"default","on_lost":"retry","document":"{\\"type\\":\\"ended.large\\",\\"queue\\":\\"default\\",\\"description\\":\\"\\",\\"max_retries\\":3,\\"retry\\":{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true},\\"timeout\\":3600.0,\\"on_lost\\":\\"retry\\",\\"payload_schema\\":{},\\"result_schema\\":{}}"}');
INSERT INTO task_types SELECT * FROM json_populate_record(NULL::task_types, E'{"type":"ended.crashed","queue":"default","on_lost":"retry","document":"{\\"type\\":\\"ended.crashed\\",\\"queue\\":\\"default\\",\\"description\\":\\"\\",\\"max_retries\\":3,\\"retry\\":{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true},\\"timeout\\":3600.0,\\"on_lost\\":\\"retry\\",\\"payload_schema\\":{},\\"result_schema\\":{}}"}');
INSERT INTO task_types SELECT * FROM json_populate_record(NULL::task_types, E'{"type":"again.retried","queue":"default","on_lost":"retry","document":"{\\"type\\":\\"again.retried\\",\\"queue\\":\\"default\\",\\"description\\":\\"\\",\\"max_retries\\":3,\\"retry\\":{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true},\\"timeout\\":3600.0,\\"on_lost\\":\\"retry\\",\\"payload_schema\\":{},\\"result_schema\\":{}}"}');
INSERT INTO task_types SELECT * FROM json_populate_record(NULL::task_types, E'{"type":"again.snoozed","queue":"default","on_lost":"retry","document":"{\\"type\\":\\"again.snoozed\\",\\"queue\\":\\"default\\",\\"description\\":\\"\\",\\"max_retries\\":3,\\"retry\\":{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true},\\"timeout\\":3600.0,\\"on_lost\\":\\"retry\\",\\"payload_schema\\":{},\\"result_schema\\":{}}"}');
INSERT INTO task_types SELECT * FROM json_populate_record(NULL::task_types, E'{"type":"again.released","queue":"default","on_lost":"retry","document":"{\\"type\\":\\"again.released\\",\\"queue\\":\\"default\\",\\"description\\":\\"\\",\\"max_retries\\":3,\\"retry\\":{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true},\\"timeout\\":3600.0,\\"on_lost\\":\\"retry\\",\\"payload_schema\\":{},\\"result_schema\\":{}}"}');
INSERT INTO task_types SELECT * FROM json_populate_record(NULL::task_types, E'{"type":"again.redriven","queue":"default","on_lost":"retry","document":"{\\"type\\":\\"again.redriven\\",\\"queue\\":\\"default\\",\\"description\\":\\"\\",\\"max_retries\\":3,\\"retry\\":{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true},\\"timeout\\":3600.0,\\"on_lost\\":\\"retry\\",\\"payload_schema\\":{},\\"result_schema\\":{}}"}');
INSERT INTO task_types SELECT * FROM json_populate_record(NULL::task_types, E'{"type":"somebody.else","queue":"default","on_lost":"retry","document":"{\\"type\\":\\"somebody.else\\",\\"queue\\":\\"default\\",\\"description\\":\\"\\",\\"max_retries\\":3,\\"retry\\":{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true},\\"timeout\\":3600.0,\\"on_lost\\":\\"retry\\",\\"payload_schema\\":{},\\"result_schema\\":{}}"}');
INSERT INTO task_types SELECT * FROM json_populate_record(NULL::task_types, E'{"type":"declared","queue":"home","on_lost":"retry","document":"{\\"type\\":\\"declared\\",\\"queue\\":\\"home\\",\\"description\\":\\"What it says of itself.\\",\\"max_retries\\":3,\\"retry\\":{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true},\\"timeout\\":3600.0,\\"on_lost\\":\\"retry\\",\\"payload_schema\\":{},\\"result_schema\\":{}}"}');
INSERT INTO task_types SELECT * FROM json_populate_record(NULL::task_types, E'{"type":"retired","queue":"default","on_lost":"retry","document":"{\\"type\\":\\"retired\\",\\"queue\\":\\"default\\",\\"description\\":\\"\\",\\"max_retries\\":3,\\"retry\\":{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true},\\"timeout\\":3600.0,\\"on_lost\\":\\"retry\\",\\"payload_schema\\":{},\\"result_schema\\":{}}"}');
INSERT INTO task_types SELECT * FROM json_populate_record(NULL::task_types, E'{"type":"draining","queue":"default","on_lost":"retry","document":"{\\"type\\":\\"draining\\",\\"queue\\":\\"default\\",\\"description\\":\\"\\",\\"max_retries\\":3,\\"retry\\":{\\"kind\\":\\"exponential\\",\\"base\\":1.0,\\"factor\\":2.0,\\"max\\":300.0,\\"jitter\\":true},\\"timeout\\":3600.0,\\"on_lost\\":\\"retry\\",\\"payload_schema\\":{},\\"result_schema\\":{}}"}');
INSERT INTO queues SELECT * FROM json_populate_record(NULL::queues, '{"name":"paused","paused":true,"max_size":null}');
INSERT INTO queues SELECT * FROM json_populate_record(NULL::queues, '{"name":"bounded","paused":false,"max_size":7}');
INSERT INTO rollups SELECT * FROM json_populate_record(NULL::rollups, '{"account_id":"default","minute":"2026-10-14T03:04:00+00:00","queue":"default","type":"old","status":"failed","shard":9,"count":1}');
INSERT INTO rollups SELECT * FROM json_populate_record(NULL::rollups, '{"account_id":"default","minute":"2026-11-23T03:04:00+00:00","queue":"rich","type":"rich.01a207e4-4447-772f-b567-6f68a4af0f9c","status":"success","shard":9,"count":1}');
INSERT INTO rollups SELECT * FROM json_populate_record(NULL::rollups, '{"account_id":"default","minute":"2026-11-23T03:04:00+00:00","queue":"rich","type":"rich.01a207e4-444d-7309-938f-0a2a05b21170","status":"failed","shard":9,"count":1}');
INSERT INTO rollups SELECT * FROM json_populate_record(NULL::rollups, '{"account_id":"default","minute":"2026-11-23T03:04:00+00:00","queue":"rich","type":"rich.01a207e4-4452-7016-b14b-6231ea093217","status":"cancelled","shard":9,"count":1}');
INSERT INTO rollups SELECT * FROM json_populate_record(NULL::rollups, '{"account_id":"default","minute":"2026-11-23T03:04:00+00:00","queue":"default","type":"ended.large","status":"success","shard":9,"count":1}');
INSERT INTO rollups SELECT * FROM json_populate_record(NULL::rollups, '{"account_id":"default","minute":"2026-11-23T03:04:00+00:00","queue":"default","type":"ended.crashed","status":"success","shard":9,"count":1}');
INSERT INTO rollups SELECT * FROM json_populate_record(NULL::rollups, '{"account_id":"default","minute":"2026-11-23T03:04:00+00:00","queue":"default","type":"again.redriven","status":"failed","shard":9,"count":1}');
INSERT INTO bulks SELECT * FROM json_populate_record(NULL::bulks, E'{"id":"01a20000-0000-7000-8000-000000000001","account_id":"default","action":"redrive","filter":"{\\"status\\":[\\"failed\\"],\\"type\\":null,\\"queue\\":null,\\"user\\":null,\\"tag\\":null,\\"created_after\\":null,\\"created_before\\":\\"2026-11-23T03:04:05.678901Z\\"}","status":"running","total":3,"done":0,"skipped":0,"created_at":"2026-11-23T03:04:05.678901+00:00","finished_at":null,"cursor":null}');
INSERT INTO bulks SELECT * FROM json_populate_record(NULL::bulks, E'{"id":"01a207e4-44d0-766c-a92d-7b876f75f23f","account_id":"default","action":"delete","filter":"{\\"status\\":[],\\"type\\":null,\\"queue\\":null,\\"user\\":null,\\"tag\\":\\"x\\",\\"created_after\\":null,\\"created_before\\":null}","status":"done","total":2,"done":1,"skipped":1,"created_at":"2026-11-23T03:04:05.678901+00:00","finished_at":"2026-11-23T03:04:05.678901+00:00","cursor":null}');
SELECT setval('task_seq', 26);
SELECT setval('task_lease_no', 17);
