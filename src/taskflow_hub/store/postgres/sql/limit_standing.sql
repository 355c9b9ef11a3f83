-- What runs, counted by queue and account: there is no counter that could drift. As few rows as there are slots at most, and read only
-- where a queue or an account is limited. (Read in an order that only their own index has.)
SELECT running.queue, running.account_id, count(*) AS count
FROM (
    SELECT tasks.queue, tasks.account_id
    FROM tasks
    WHERE tasks.status = 'running'
    ORDER BY tasks.worker, tasks.lease_no
    OFFSET 0
) AS running
GROUP BY running.queue, running.account_id
