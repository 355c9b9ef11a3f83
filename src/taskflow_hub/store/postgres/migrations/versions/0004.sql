-- Quotas, fair turns between accounts, and the audit.

-- What an account may have. Null: as much as it likes. How many of its tasks may run is a row of `limits` (account '', key
-- 'account:ID'), as what a queue may run is (key 'queue:NAME'): they are locked and counted as all limits are.
CREATE TABLE quotas (
    account_id text NOT NULL PRIMARY KEY,
    per_minute integer,                         -- tasks submitted in a minute of the clock
    per_day integer,                            -- and in a day (UTC)
    queued integer,                             -- tasks that wait, queued or scheduled
    weight double precision NOT NULL DEFAULT 1, -- its share of starts beside other accounts on one queue
    minute timestamptz,                         -- the minute that was last submitted in,
    in_minute integer NOT NULL DEFAULT 0,       -- and how many were
    day timestamptz,
    in_day integer NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- Applications that submit within a transaction of their own need to see whether there are quotas to be kept; they may connect as a user
-- to whom nothing was granted since before there were any. Where there are some, such a user needs more.
GRANT SELECT (account_id, per_minute, per_day, queued) ON quotas TO PUBLIC;

-- What waits, by account; for counting where a quota is set. The default account has none: a hub for one pays nothing.
CREATE INDEX IF NOT EXISTS tasks_waiting ON tasks (account_id)
    WHERE status IN ('queued', 'scheduled') AND account_id <> 'default';

-- Who did what to what. Append-only: the trigger refuses everybody who does not drop it first.
CREATE TABLE audit (
    id uuid NOT NULL PRIMARY KEY,               -- rises with time
    ts timestamptz NOT NULL,
    account_id text,                            -- whose thing it was; null: nobody's, or not known
    actor text,                                 -- a user's id, or a key's; null: nobody who is known
    actor_kind text NOT NULL,                   -- user, key, anybody, operator (who has the database in hand)
    actor_name text,                            -- what they were called then
    actor_account text,
    address text,
    agent text,
    action text NOT NULL,                       -- queue.pause, key.revoke, …
    entity text NOT NULL,                       -- queue, key, …
    entity_id text NOT NULL,
    before text,                                -- JSON
    after text,
    meta text
);
CREATE INDEX audit_account ON audit (account_id, id);
CREATE INDEX audit_entity ON audit (entity, entity_id, id);
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only';
END
$$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

-- Inside a priority accounts take turns (store/shares.py), so a lease reads each account's part of a line by itself. Operators of a
-- large table make tasks_ready_turns before, CONCURRENTLY; a process of the version before leases slowly from now on.
DROP INDEX tasks_ready;
CREATE INDEX IF NOT EXISTS tasks_ready_turns ON tasks (queue, type, priority, account_id, seq) WHERE status = 'queued' AND hold IS NULL;
ALTER INDEX tasks_ready_turns RENAME TO tasks_ready;
