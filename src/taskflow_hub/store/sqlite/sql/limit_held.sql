-- How many tasks limits hold back, by account and hold.
SELECT json_group_array(json_array(account_id, hold, count)) FROM (
    SELECT account_id, hold, count(*) AS count FROM tasks INDEXED BY tasks_limited_held
    WHERE status = 'queued' AND limits IS NOT NULL AND hold <> 'no_worker' AND account_id = coalesce(?, account_id)
    GROUP BY account_id, hold
)
