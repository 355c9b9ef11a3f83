-- What runs under limits of these accounts, counted: there is no counter that could drift. As few rows as there are slots at most.
-- Each account by itself, in an order that only their own index has: a plan for any values would else go over all that runs.
SELECT account.id AS account_id, running.limits, count(*) AS count
FROM
    unnest($1::text[]) AS account (id)
    CROSS JOIN LATERAL (
        SELECT tasks.limits
        FROM tasks
        WHERE tasks.status = 'running' AND tasks.limits IS NOT NULL AND tasks.account_id = account.id
        ORDER BY tasks.account_id, tasks.limits
        OFFSET 0
    ) AS running
GROUP BY account.id, running.limits
