-- The limits of how many run that running tasks name, of all accounts, with how many do. As few rows as there are slots.
SELECT json_group_array(json_object('key', limits.key, 'running', limits.running, 'active', used.count)) FROM (
    SELECT tasks.account_id, named.value AS key, count(*) AS count
    FROM tasks INDEXED BY tasks_limited_running CROSS JOIN json_each(tasks.limits) AS named
    WHERE tasks.status = 'running' AND tasks.limits IS NOT NULL
    GROUP BY tasks.account_id, named.value
) AS used
CROSS JOIN limits ON limits.account_id = used.account_id AND limits.key = used.key
WHERE limits.running IS NOT NULL
