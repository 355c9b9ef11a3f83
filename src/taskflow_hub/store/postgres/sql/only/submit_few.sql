-- A few plain tasks, and the idempotency key they may have come with, in a statement that needs no transaction around it: what
-- submit_look.sql, idempotency_claim.sql and the COPY do, when nothing stands against it. If anything does (the key has been used, a
-- queue has a bound, an account has quotas), nothing is written: no row has a `seq`, and the batch goes the long way.
WITH given AS MATERIALIZED (
    SELECT
        item.*, coalesce(item.queue, home.queue, 'default') AS lane, item.queue IS NULL AND home.type IS NULL AS unrouted,
        EXISTS (
            SELECT FROM queues WHERE name = coalesce(item.queue, home.queue, 'default') AND max_size IS NOT NULL OFFSET 0
        ) AS bounded,
        EXISTS (
            SELECT FROM quotas
            WHERE
                quotas.account_id = item.account_id
                AND (per_minute IS NOT NULL OR per_day IS NOT NULL OR quotas.queued IS NOT NULL)
            OFFSET 0
        ) AS quoted
    FROM
        unnest(
            $2::uuid[], $3::text[], $4::text[], $5::smallint[], $6::timestamptz[], $7::double precision[], $8::integer[],
            $9::text[], $10::text[], $11::text[], $12::text[], $13::integer[], $14::text[]
        ) WITH ORDINALITY AS item (
            id, type, queue, priority, expires_at, timeout, max_retries, traceparent, account_id, user_id, retry, octets, payload,
            n
        )
        LEFT JOIN task_types AS home ON home.type = ANY (ARRAY[item.type])
),
open AS MATERIALIZED (
    -- And nobody is waited for long, who just uses the key.
    SELECT NOT EXISTS (SELECT FROM given WHERE bounded OR quoted) AS ahead, set_config('lock_timeout', $21::text, true)
),
kept AS (
    INSERT INTO idempotency_keys (account_id, route, key, fingerprint, answer, expires_at)
    SELECT $15::text, $16::text, $17::text, $18::text, $19::text, coalesce($1::timestamptz, now()) + make_interval(secs => $20)
    FROM open
    WHERE open.ahead AND $17::text IS NOT NULL
    ON CONFLICT (account_id, route, key) DO NOTHING
    RETURNING key
),
made AS (
    INSERT INTO tasks (
        id, status, type, queue, priority, seq, expires_at, timeout, max_retries, created_at, traceparent, account_id, user_id,
        retry, unrouted, octets, payload
    )
    SELECT
        task.id, 'queued', task.type, task.lane, task.priority, nextval('task_seq'), task.expires_at, task.timeout,
        task.max_retries, coalesce($1::timestamptz, now()), task.traceparent, task.account_id, task.user_id, task.retry,
        task.unrouted, task.octets, task.payload
    FROM (
        SELECT given.*
        FROM given CROSS JOIN open
        WHERE open.ahead AND ($17::text IS NULL OR EXISTS (SELECT FROM kept))
        ORDER BY given.n
    ) AS task
    RETURNING id, seq, created_at
)
SELECT given.n, given.lane, given.unrouted, given.bounded, given.quoted, made.seq, made.created_at
FROM given LEFT JOIN made ON made.id = given.id
