-- The limits that a task names, in its order, each with what runs under it: how many, and the first of them (the longest; only of
-- some queues, if any are named). What runs under limits are as few rows as there are slots at most, and is read in an order that
-- only their own index has.
SELECT /*limit*/, named.key AS named, found.run, found.shown
FROM tasks AS me
CROSS JOIN LATERAL json_array_elements_text(me.limits::json) WITH ORDINALITY AS named (key, n)
LEFT JOIN limits ON limits.account_id = me.account_id AND limits.key = named.key
CROSS JOIN LATERAL (
    SELECT
        count(*) AS run,
        (array_agg(under.id::text ORDER BY under.leased_at, under.id)
            FILTER (WHERE cardinality($3::text[]) = 0 OR under.queue = ANY ($3::text[])))[:$4::integer] AS shown
    FROM (
        SELECT tasks.id, tasks.queue, tasks.leased_at, tasks.limits
        FROM tasks
        WHERE tasks.status = 'running' AND tasks.limits IS NOT NULL AND tasks.account_id = me.account_id
        ORDER BY tasks.account_id, tasks.limits
        OFFSET 0
    ) AS under
    WHERE under.limits::jsonb ? named.key
) AS found
WHERE me.id = $2::uuid
ORDER BY named.n
