-- What an account may have, what it has submitted in which minute and on which day, and how many of its tasks run. There is a row for
-- every account.
WITH asked (account_id) AS (VALUES (?))
SELECT json_array(
    per_minute, per_day, queued, limits.running, coalesce(weight, 1), minute, coalesce(in_minute, 0), day, coalesce(in_day, 0),
    (
        SELECT count(*) FROM tasks INDEXED BY tasks_running
        WHERE status = 'running' AND tasks.account_id = asked.account_id
    )
)
FROM
    asked
    LEFT JOIN quotas ON quotas.account_id = asked.account_id
    LEFT JOIN limits ON limits.account_id = '' AND limits.key = 'account:' || asked.account_id
