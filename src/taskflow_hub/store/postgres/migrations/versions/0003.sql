-- Accounts: who logs in, what programs present, and how often either may try. Ids are whatever the caller makes, never looked into.

CREATE TABLE account_users (
    id text NOT NULL PRIMARY KEY,
    account_id text NOT NULL,
    email text NOT NULL,                        -- as it was given
    address text NOT NULL,                      -- as it is compared (domain/access.py, address_key)
    password_hash text NOT NULL,
    role text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX account_users_address ON account_users (address);
CREATE INDEX account_users_account ON account_users (account_id);

CREATE TABLE logins (
    id text NOT NULL PRIMARY KEY,
    user_id text NOT NULL,
    generation bigint NOT NULL,                 -- rises with every refresh
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX logins_user ON logins (user_id);
CREATE INDEX logins_by_age ON logins (expires_at);

CREATE TABLE api_keys (
    id text NOT NULL PRIMARY KEY,
    account_id text NOT NULL,
    user_id text,
    name text NOT NULL,
    digest text NOT NULL,                       -- of the secret, which is not kept
    scopes text[] NOT NULL,
    queues text[] NOT NULL,                     -- none: every queue
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX api_keys_digest ON api_keys (digest);
CREATE INDEX api_keys_account ON api_keys (account_id);

-- A token bucket is one time, and a full one no row at all (store/buckets.py).
CREATE TABLE buckets (
    name text NOT NULL PRIMARY KEY,
    full_at timestamptz NOT NULL                -- when it is full again, if nothing more is taken
);
CREATE INDEX buckets_by_age ON buckets (full_at);

-- Pinned: what submits state of this limit changes nothing. A process of an older version does not know that: until the last of
-- them is gone, its submits still change the numbers.
ALTER TABLE limits ADD COLUMN pinned boolean NOT NULL DEFAULT false;
