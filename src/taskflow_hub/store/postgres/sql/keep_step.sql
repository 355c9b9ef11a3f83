-- Steps, sleeps and waits: whoever is the first of a name has it. Answers, of each item whose attempt owns its task, whether it was the
-- first, what was there before, and how many the task has with it. An item that is neither the first nor finds one has come
-- with another of its name, and must look again. $9: as many as a task may have.
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now),
item AS MATERIALIZED (
    SELECT item.*, row_number() OVER (PARTITION BY id ORDER BY n) AS nth
    FROM unnest(
        $2::uuid[], $3::integer[], $4::text[], $5::text[], $6::double precision[], $7::double precision[], $8::text[]
    ) WITH ORDINALITY AS item (id, attempt, kind, name, ran_s, seconds, result, n)
    ORDER BY id
),
locked AS MATERIALIZED (
    SELECT item.*, item.nth + (SELECT count(*) FROM task_steps WHERE task_steps.task_id = item.id) AS many
    FROM item CROSS JOIN LATERAL (/*lock*/) AS task
    WHERE task.attempt = item.attempt AND task.status = 'running'
),
there AS MATERIALIZED (
    SELECT locked.n, step.wakes_at, step.decided_at, step.result
    FROM locked
    JOIN task_steps AS step ON step.task_id = ANY (ARRAY[locked.id]) AND step.kind = locked.kind AND step.name = locked.name
),
made AS (
    INSERT INTO task_steps (task_id, kind, name, attempt, kept_at, ran_s, wakes_at, octets, result)
    SELECT DISTINCT ON (id, kind, name)
        id, kind, name, attempt, clock.now, ran_s, clock.now + make_interval(secs => seconds),
        coalesce(octet_length(result), 0), result
    FROM locked CROSS JOIN clock
    WHERE many <= $9::integer AND n NOT IN (SELECT n FROM there)
    ORDER BY id, kind, name, n
    ON CONFLICT DO NOTHING
    RETURNING task_id, kind, name, wakes_at
)
SELECT
    locked.n, locked.many, made.name IS NOT NULL AS first, there.n IS NOT NULL AS there,
    coalesce(made.wakes_at, there.wakes_at) AS wakes_at, there.decided_at, there.result, clock.now
FROM locked CROSS JOIN clock
LEFT JOIN there ON there.n = locked.n
LEFT JOIN made
    ON made.task_id = locked.id AND made.kind = locked.kind AND made.name = locked.name
    AND locked.n = (
        SELECT min(twin.n) FROM locked AS twin
        WHERE twin.id = locked.id AND twin.kind = locked.kind AND twin.name = locked.name
    )
