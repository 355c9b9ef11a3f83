-- Submit within a transaction of somebody else's: one statement that does all of it, on a connection we know nothing of. What it
-- is given is one JSON document, so that it looks the same to every driver; so is what it answers. Both are texts: of type json, an
-- application may have told its driver to encode and to decode them.
--
-- It waits for nothing but keys, and for those of limits only if it changes their numbers. `kept` and `held` wait for whoever is
-- just using the same key, and then find its row as it is now, though the rest of the statement still sees the database as it
-- was when it began. So whether the holder of a unique key is unfinished can be looked up only if its row is still the one that
-- was seen then; else somebody has just taken it, and holds it.
--
-- All or nothing: if anything stands against it, no task is made. (A row of a unique key that names no task holds nothing.)
WITH given AS MATERIALIZED (
    SELECT CAST(CAST($1 AS text) AS json) AS doc
),
wanted AS MATERIALIZED (
    SELECT
        item.*,
        coalesce(item.queue, home.queue, 'default') AS lane,
        item.queue IS NULL AND home.type IS NULL AS unrouted,
        home.type IS NULL AS unknown,
        -- The document of a type without secret fields has "secret":[] in it, or nothing of it. So it is with limits.
        CASE
            WHEN
                (NOT item.sealed AND strpos(home.document, '"secret":["') > 0)
                OR (NOT item.limited AND strpos(home.document, '"limits":[{') > 0)
            THEN home.document
        END AS bare,
        CASE WHEN item.defaults IS NOT NULL THEN CAST(home.document AS json) END AS declared,
        CASE
            WHEN item.delay_s > 0 THEN statement_timestamp() + make_interval(secs => item.delay_s) ELSE item.run_at
        END AS due_at
    FROM
        given
        CROSS JOIN LATERAL json_to_recordset(given.doc -> 'tasks') AS item (
            n integer, id uuid, type text, queue text, priority smallint, payload text, octets integer, run_at timestamptz,
            delay_s double precision, max_retries integer, retry text, timeout double precision, defaults text[],
            expires_at timestamptz, tags text[], account_id text, user_id text, traceparent text,
            unique_key text, window_s double precision, reject boolean, limits text, sealed boolean,
            limited boolean
        )
        LEFT JOIN task_types AS home ON home.type = ANY (ARRAY[item.type])
),
unknown AS (
    SELECT wanted.n FROM wanted CROSS JOIN given WHERE wanted.unknown AND CAST(given.doc ->> 'strict' AS boolean)
),
bare AS (
    SELECT
        n,
        CASE WHEN secrets THEN CAST(document AS json) -> 'secret' ELSE '[]' END AS secret,
        CASE WHEN stated THEN CAST(document AS json) -> 'limits' ELSE '[]' END AS limits
    FROM (
        SELECT
            n, bare AS document,
            NOT sealed AND coalesce(json_array_length(CAST(bare AS json) -> 'secret'), 0) > 0 AS secrets,
            NOT limited AND coalesce(json_array_length(CAST(bare AS json) -> 'limits'), 0) > 0 AS stated
        FROM wanted
        WHERE bare IS NOT NULL
    ) AS home
    WHERE secrets OR stated
),
kept AS (
    INSERT INTO idempotency_keys AS kept (account_id, route, key, fingerprint, answer, expires_at)
    SELECT
        key.account_id, key.route, key.key, key.fingerprint, key.answer,
        statement_timestamp() + make_interval(secs => key.ttl_s)
    FROM
        given
        CROSS JOIN LATERAL json_to_record(given.doc -> 'key') AS key (
            account_id text, route text, key text, fingerprint text, answer text, ttl_s double precision
        )
    WHERE key.key IS NOT NULL AND NOT EXISTS (SELECT FROM unknown) AND NOT EXISTS (SELECT FROM bare)
    ON CONFLICT (account_id, route, key) DO UPDATE
    SET
        fingerprint = CASE WHEN kept.expires_at > statement_timestamp() THEN kept.fingerprint ELSE excluded.fingerprint END,
        answer = CASE WHEN kept.expires_at > statement_timestamp() THEN kept.answer ELSE excluded.answer END,
        expires_at = CASE WHEN kept.expires_at > statement_timestamp() THEN kept.expires_at ELSE excluded.expires_at END
    RETURNING fingerprint, answer
),
go AS MATERIALIZED (
    SELECT
        NOT EXISTS (SELECT FROM unknown)
        AND NOT EXISTS (SELECT FROM bare)
        AND NOT EXISTS (SELECT FROM kept WHERE kept.answer <> given.doc -> 'key' ->> 'answer') AS ahead
    FROM given
),
held AS (
    INSERT INTO unique_keys AS held (account_id, type, key, task_id, until)
    SELECT DISTINCT ON (wanted.account_id COLLATE "C", wanted.type COLLATE "C", wanted.unique_key COLLATE "C")
        wanted.account_id, wanted.type, wanted.unique_key, wanted.id,
        statement_timestamp() + make_interval(secs => wanted.window_s)
    FROM wanted CROSS JOIN go
    WHERE go.ahead AND wanted.unique_key IS NOT NULL
    ORDER BY
        wanted.account_id COLLATE "C", wanted.type COLLATE "C", wanted.unique_key COLLATE "C", wanted.n
    ON CONFLICT (account_id, type, key) DO UPDATE
    SET (task_id, until) = (
        SELECT
            CASE WHEN holder.stays THEN held.task_id ELSE excluded.task_id END,
            CASE WHEN holder.stays THEN held.until ELSE excluded.until END
        FROM (
            SELECT
                held.until > statement_timestamp()
                OR EXISTS (SELECT FROM tasks WHERE tasks.id = held.task_id OFFSET 0)
                OR NOT EXISTS (
                    SELECT FROM unique_keys AS seen
                    WHERE
                        seen.account_id = held.account_id AND seen.type = held.type AND seen.key = held.key
                        AND seen.ctid = held.ctid
                    OFFSET 0
                ) AS stays
        ) AS holder
    )
    RETURNING account_id, type, key, task_id
),
answered AS MATERIALIZED (
    SELECT wanted.n, held.task_id AS id, wanted.reject
    FROM
        wanted
        JOIN held ON
            held.account_id = wanted.account_id AND held.type = wanted.type AND held.key = wanted.unique_key
    WHERE held.task_id <> wanted.id
),
coming AS (
    SELECT lane, count(*) AS tasks FROM wanted WHERE n NOT IN (SELECT n FROM answered) GROUP BY lane
),
crowded AS MATERIALIZED (
    -- Counted, not locked: a lock would stay until somebody else commits. What is under way at the same moment is not seen.
    SELECT queues.name, queues.max_size, waiting.tasks AS waiting
    FROM
        coming
        JOIN queues ON queues.name = ANY (ARRAY[coming.lane]) AND queues.max_size IS NOT NULL
        JOIN go ON go.ahead
        CROSS JOIN LATERAL (
            SELECT
                (
                    SELECT count(*) FROM tasks
                    WHERE tasks.queue = coming.lane AND tasks.status = 'queued' AND tasks.hold IS NULL
                ) + (
                    SELECT count(*) FROM tasks
                    WHERE tasks.queue = coming.lane AND tasks.status = 'queued' AND tasks.hold IS NOT NULL
                ) + (
                    SELECT count(*) FROM tasks WHERE tasks.queue = coming.lane AND tasks.status = 'scheduled'
                ) AS tasks
        ) AS waiting
    WHERE waiting.tasks + coming.tasks > queues.max_size
),
/*quoted*/
/*exceeded*/
/*named*/,
clear AS MATERIALIZED (
    SELECT
        go.ahead AND NOT EXISTS (SELECT FROM answered WHERE reject) AND NOT EXISTS (SELECT FROM crowded)
        AND NOT EXISTS (SELECT FROM unnumbered) AND NOT EXISTS (SELECT FROM quoted) AND NOT EXISTS (SELECT FROM exceeded)
            AS ahead
    FROM go
),
/*used*/
/*numbered*/
made AS (
    INSERT INTO tasks (
        id, status, type, queue, priority, seq, expires_at, timeout, max_retries, created_at, tags, traceparent,
        account_id, user_id, run_at, retry, unrouted, unique_key, octets, limits, payload
    )
    SELECT
        task.id, CASE WHEN task.waits THEN 'scheduled' ELSE 'queued' END, task.type, task.lane, task.priority,
        CASE WHEN NOT task.waits THEN nextval('task_seq') END, task.expires_at,
        CASE
            WHEN 'timeout' = ANY (task.defaults) AND task.declared IS NOT NULL
            THEN CAST(task.declared ->> 'timeout' AS double precision) ELSE task.timeout
        END,
        CASE
            WHEN 'max_retries' = ANY (task.defaults) AND task.declared IS NOT NULL
            THEN CAST(task.declared ->> 'max_retries' AS integer) ELSE task.max_retries
        END,
        statement_timestamp(), task.tags, task.traceparent, task.account_id, task.user_id, task.due_at,
        CASE
            WHEN 'retry' = ANY (task.defaults) AND task.declared IS NOT NULL
            THEN CAST(task.declared -> 'retry' AS text) ELSE task.retry
        END,
        task.unrouted, task.unique_key, task.octets, task.limits, task.payload
    FROM (
        SELECT wanted.*, coalesce(wanted.due_at > statement_timestamp(), false) AS waits
        FROM wanted CROSS JOIN clear
        WHERE clear.ahead AND wanted.n NOT IN (SELECT n FROM answered)
        ORDER BY wanted.n
    ) AS task
    RETURNING id, account_id, tags, queue, type, priority, seq
),
labelled AS (
    INSERT INTO task_tags (account_id, tag, task_id)
    SELECT DISTINCT account_id, unnest(tags), id FROM made
),
hint AS (
    -- As listen.py reads it; a long one only says that there is something.
    SELECT
        CAST(json_build_object('by', 'within', 'ready', line.places, 'changed', true) AS text) AS message,
        CAST(json_build_object('by', 'within', 'changed', true) AS text) AS short_message
    FROM (
        SELECT coalesce(json_agg(json_build_array(queue, type, priority, account_id, seq)), '[]') AS places
        FROM (
            SELECT queue, type, priority, account_id, min(seq) AS seq
            FROM made
            WHERE seq IS NOT NULL
            GROUP BY queue, type, priority, account_id
        ) AS line
    ) AS line
    WHERE EXISTS (SELECT FROM made)
)
SELECT CAST(json_build_object(
    'kept', (SELECT json_build_array(fingerprint, answer) FROM kept),
    'answered', (SELECT json_agg(json_build_array(n, id)) FROM answered),
    'crowded', (SELECT json_agg(json_build_array(name, max_size, waiting)) FROM crowded),
    'lanes', CASE WHEN EXISTS (SELECT FROM crowded) THEN (SELECT json_agg(lane ORDER BY n) FROM wanted) END,
    'unknown', (SELECT json_agg(n) FROM unknown),
    'bare', (
        SELECT json_agg(json_build_array(n, json_build_object('secret', secret, 'limits', limits))) FROM bare
    ),
    'unnumbered', (SELECT json_agg(json_build_array(n, place) ORDER BY n, place) FROM unnumbered),
    'quoted', (SELECT json_agg(account_id) FROM quoted),
    'exceeded', (
        SELECT json_agg(
            json_build_array(account_id, per_minute, per_day, queued, in_minute, in_day, coalesce(waiting, 0), at_s)
        )
        FROM exceeded
    ),
    'told', (
        SELECT count(pg_notify(
            'taskflow_hub', CASE WHEN octet_length(message) <= 7000 THEN message ELSE short_message END
        ))
        FROM hint
    )
) AS text)
