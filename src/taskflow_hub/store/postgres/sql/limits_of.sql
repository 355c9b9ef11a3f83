-- The limits that keep a task: those of its queue and its account, and those it names, in its order; each with what runs under it: how
-- many, and the first of them (the longest; of its own account, and only of some queues, if any are named). What runs are as few rows as
-- there are slots at most, and is read in an order that only its own index has.
SELECT /*limit*/, named.key AS named, named.standing, found.run, found.shown
FROM tasks AS me
CROSS JOIN LATERAL (
    SELECT me.account_id, item.key, item.n, false AS standing
    FROM json_array_elements_text(me.limits::json) WITH ORDINALITY AS item (key, n)
    UNION ALL
    SELECT there.account_id, there.key, 0, true
    FROM limits AS there
    WHERE there.account_id = '' AND there.key IN ('queue:' || me.queue, 'account:' || me.account_id)
) AS named
LEFT JOIN limits ON limits.account_id = ANY (ARRAY[named.account_id]) AND limits.key = named.key
CROSS JOIN LATERAL (
    SELECT
        count(*) AS run,
        (array_agg(under.id::text ORDER BY under.leased_at, under.id) FILTER (
            WHERE under.account_id = me.account_id AND (cardinality($3::text[]) = 0 OR under.queue = ANY ($3::text[]))
        ))[:$4::integer] AS shown
    FROM (
        SELECT limited.*
        FROM (
            SELECT tasks.id, tasks.account_id, tasks.queue, tasks.leased_at, tasks.limits
            FROM tasks
            WHERE tasks.status = 'running' AND tasks.limits IS NOT NULL AND tasks.account_id = me.account_id
            ORDER BY tasks.account_id, tasks.limits
            OFFSET 0
        ) AS limited
        WHERE NOT named.standing AND limited.limits::jsonb ? named.key
        UNION ALL
        SELECT running.*
        FROM (
            SELECT tasks.id, tasks.account_id, tasks.queue, tasks.leased_at, tasks.limits
            FROM tasks
            WHERE tasks.status = 'running'
            ORDER BY tasks.worker, tasks.lease_no
            OFFSET 0
        ) AS running
        WHERE named.standing AND named.key IN ('queue:' || running.queue, 'account:' || running.account_id)
    ) AS under
) AS found
WHERE me.id = $2::uuid
ORDER BY named.n, named.key
