-- The limits that keep a task: those of its queue and its account, and those it names, in its order; each with what runs under it: how
-- many, and the first of them (the longest; of its own account, and only of some queues, if any are named). What runs are as few rows as
-- there are slots at most.
WITH wanted (id, queues, most) AS (VALUES (?, ?, ?)),
me (account_id, queue, limits) AS (
    SELECT tasks.account_id, tasks.queue, tasks.limits FROM wanted CROSS JOIN tasks ON tasks.id = wanted.id
),
named (account_id, key, n) AS (
    SELECT me.account_id, item.value, item.key FROM me CROSS JOIN json_each(me.limits) AS item
    UNION ALL
    SELECT there.account_id, there.key, -1
    FROM me CROSS JOIN limits AS there
    ON there.account_id = '' AND there.key IN ('queue:' || me.queue, 'account:' || me.account_id)
),
under (key, n, id, account_id, queue, leased_at) AS (
    SELECT named.key, named.n, tasks.id, tasks.account_id, tasks.queue, tasks.leased_at
    FROM named CROSS JOIN tasks INDEXED BY tasks_limited_running ON tasks.account_id = named.account_id
    WHERE
        tasks.status = 'running' AND tasks.limits IS NOT NULL
        AND EXISTS (SELECT 1 FROM json_each(tasks.limits) AS item WHERE item.value = named.key)
    UNION ALL
    SELECT named.key, named.n, tasks.id, tasks.account_id, tasks.queue, tasks.leased_at
    FROM named CROSS JOIN tasks INDEXED BY tasks_running
    ON named.account_id = '' AND named.key IN ('queue:' || tasks.queue, 'account:' || tasks.account_id)
    WHERE tasks.status = 'running'
)
SELECT json_group_array(json_array(key, standing, running, per_second, tokens, filled_at, run, json(shown))) FROM (
    SELECT
        named.key, named.n < 0 AS standing, limits.running, limits.per_second, limits.tokens, limits.filled_at,
        (SELECT count(*) FROM under WHERE under.n = named.n AND under.key = named.key) AS run,
        (
            SELECT json_group_array(id) FROM (
                SELECT id FROM under CROSS JOIN me
                WHERE
                    under.n = named.n AND under.key = named.key AND under.account_id = me.account_id
                    AND (SELECT queues = '[]' OR under.queue IN (SELECT value FROM json_each(queues)) FROM wanted)
                ORDER BY leased_at, id
                LIMIT (SELECT most FROM wanted)
            )
        ) AS shown
    FROM named LEFT JOIN limits ON limits.account_id = named.account_id AND limits.key = named.key
    ORDER BY named.n, named.key
)
