-- The limits of how many run that running tasks name, of all accounts, with how many do. As few rows as there are slots.
SELECT limits.key, limits.running, used.count AS active
FROM
    (
        SELECT tasks.account_id, named.key, count(*) AS count
        FROM tasks CROSS JOIN LATERAL json_array_elements_text(tasks.limits::json) AS named (key)
        WHERE tasks.status = 'running' AND tasks.limits IS NOT NULL
        GROUP BY tasks.account_id, named.key
    ) AS used
    JOIN limits ON limits.account_id = used.account_id AND limits.key = used.key
WHERE limits.running IS NOT NULL
