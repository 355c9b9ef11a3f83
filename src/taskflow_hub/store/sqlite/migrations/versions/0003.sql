-- Accounts: who logs in, what programs present, and how often either may try. Ids are whatever the caller makes, never looked into.

CREATE TABLE account_users (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    email TEXT NOT NULL,                        -- as it was given
    address TEXT NOT NULL,                      -- as it is compared (domain/access.py, address_key)
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX account_users_address ON account_users (address);
CREATE INDEX account_users_account ON account_users (account_id);

CREATE TABLE logins (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    generation INTEGER NOT NULL,                -- rises with every refresh
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX logins_user ON logins (user_id);
CREATE INDEX logins_by_age ON logins (expires_at);

CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    user_id TEXT,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,                       -- of the secret, which is not kept
    scopes TEXT NOT NULL,
    queues TEXT NOT NULL,                       -- none: every queue
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX api_keys_digest ON api_keys (digest);
CREATE INDEX api_keys_account ON api_keys (account_id);

-- A token bucket is one time, and a full one no row at all (store/buckets.py).
CREATE TABLE buckets (
    name TEXT NOT NULL PRIMARY KEY,
    full_at INTEGER NOT NULL                    -- when it is full again, if nothing more is taken
) STRICT, WITHOUT ROWID;
CREATE INDEX buckets_by_age ON buckets (full_at);

-- Pinned: what submits state of this limit changes nothing. A process of an older version does not know that: until the last of
-- them is gone, its submits still change the numbers.
ALTER TABLE limits ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
