-- Quotas, fair turns between accounts, and the audit.

-- What an account may have. Null: as much as it likes. How many of its tasks may run is a row of `limits` (account '', key
-- 'account:ID'), as what a queue may run is (key 'queue:NAME'): they are counted as all limits are.
CREATE TABLE quotas (
    account_id TEXT NOT NULL PRIMARY KEY,
    per_minute INTEGER,                         -- tasks submitted in a minute of the clock
    per_day INTEGER,                            -- and in a day (UTC)
    queued INTEGER,                             -- tasks that wait, queued or scheduled
    weight REAL NOT NULL DEFAULT 1,             -- its share of starts beside other accounts on one queue
    minute INTEGER,                             -- the minute that was last submitted in,
    in_minute INTEGER NOT NULL DEFAULT 0,       -- and how many were
    day INTEGER,
    in_day INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- What waits, by account; for counting where a quota is set. The default account has none: a hub for one pays nothing.
CREATE INDEX tasks_waiting ON tasks (account_id) WHERE status IN ('queued', 'scheduled') AND account_id <> 'default';

-- Who did what to what. Append-only: the triggers refuse everybody who does not drop them first.
CREATE TABLE audit (
    id TEXT NOT NULL PRIMARY KEY,               -- rises with time
    ts INTEGER NOT NULL,
    account_id TEXT,                            -- whose thing it was; null: nobody's, or not known
    actor TEXT,                                 -- a user's id, or a key's; null: nobody who is known
    actor_kind TEXT NOT NULL,                   -- user, key, anybody, operator (who has the database in hand)
    actor_name TEXT,                            -- what they were called then
    actor_account TEXT,
    address TEXT,
    agent TEXT,
    action TEXT NOT NULL,                       -- queue.pause, key.revoke, …
    entity TEXT NOT NULL,                       -- queue, key, …
    entity_id TEXT NOT NULL,
    before TEXT,                                -- JSON
    after TEXT,
    meta TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_account ON audit (account_id, id);
CREATE INDEX audit_entity ON audit (entity, entity_id, id);
CREATE TRIGGER audit_never_updated BEFORE UPDATE ON audit BEGIN
    SELECT raise(ABORT, 'the audit is append-only');
END;
CREATE TRIGGER audit_never_deleted BEFORE DELETE ON audit BEGIN
    SELECT raise(ABORT, 'the audit is append-only');
END;
CREATE TRIGGER audit_never_replaced BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = new.id) BEGIN
    SELECT raise(ABORT, 'the audit is append-only');
END;

-- Inside a priority accounts take turns (store/shares.py), so a lease reads each account's part of a line by itself.
DROP INDEX tasks_ready;
CREATE INDEX tasks_ready ON tasks (queue, type, account_id, priority DESC, seq, created_at)
    WHERE status = 'queued' AND hold IS NULL;
