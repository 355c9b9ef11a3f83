-- What runs under limits, counted: there is no counter that could drift. As few rows as there are slots at most.
SELECT json_group_array(json_array(account_id, json(limits), count)) FROM (
    SELECT account_id, limits, count(*) AS count FROM tasks INDEXED BY tasks_limited_running
    WHERE status = 'running' AND limits IS NOT NULL
    GROUP BY account_id, limits
)
