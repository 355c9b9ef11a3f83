-- What runs, counted by queue and account: there is no counter that could drift. As few rows as there are slots at most, and read only
-- where a queue or an account is limited.
SELECT json_group_array(json_array(queue, account_id, count)) FROM (
    SELECT queue, account_id, count(*) AS count FROM tasks INDEXED BY tasks_running
    WHERE status = 'running'
    GROUP BY queue, account_id
)
