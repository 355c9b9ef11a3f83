-- The limits that a task names, in its order, each with what runs under it: how many, and the first of them (the longest; only of
-- some queues, if any are named). What runs under limits are as few rows as there are slots at most.
WITH wanted (id, queues, most) AS (VALUES (?, ?, ?)),
named (account_id, key, n) AS (
    SELECT me.account_id, item.value, item.key
    FROM wanted CROSS JOIN tasks AS me ON me.id = wanted.id CROSS JOIN json_each(me.limits) AS item
),
under (n, id, queue, leased_at) AS (
    SELECT named.n, tasks.id, tasks.queue, tasks.leased_at
    FROM named CROSS JOIN tasks INDEXED BY tasks_limited_running ON tasks.account_id = named.account_id
    WHERE
        tasks.status = 'running' AND tasks.limits IS NOT NULL
        AND EXISTS (SELECT 1 FROM json_each(tasks.limits) AS item WHERE item.value = named.key)
)
SELECT json_group_array(json_array(key, running, per_second, tokens, filled_at, run, json(shown))) FROM (
    SELECT
        named.key, limits.running, limits.per_second, limits.tokens, limits.filled_at,
        (SELECT count(*) FROM under WHERE under.n = named.n) AS run,
        (
            SELECT json_group_array(id) FROM (
                SELECT id FROM under
                WHERE
                    under.n = named.n
                    AND (SELECT queues = '[]' OR under.queue IN (SELECT value FROM json_each(queues)) FROM wanted)
                ORDER BY leased_at, id
                LIMIT (SELECT most FROM wanted)
            )
        ) AS shown
    FROM named LEFT JOIN limits ON limits.account_id = named.account_id AND limits.key = named.key
    ORDER BY named.n
)
