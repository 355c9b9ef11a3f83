-- The limits of how many run that running tasks name, of all accounts, with how many do. As few rows as there are slots. Each limit
-- is looked up by itself: a plan from when there were few would else go over all of them.
SELECT limits.key, limits.running, used.count AS active
FROM
    (
        SELECT tasks.account_id, named.key, count(*) AS count
        FROM tasks CROSS JOIN LATERAL json_array_elements_text(tasks.limits::json) AS named (key)
        WHERE tasks.status = 'running' AND tasks.limits IS NOT NULL
        GROUP BY tasks.account_id, named.key
    ) AS used
    CROSS JOIN LATERAL (
        SELECT limit_.key, limit_.running FROM limits AS limit_
        WHERE limit_.account_id = used.account_id AND limit_.key = used.key AND limit_.running IS NOT NULL
        OFFSET 0
    ) AS limits
