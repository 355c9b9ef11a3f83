-- How many tasks limits hold back, by account and hold.
SELECT account_id, hold, count(*) AS count
FROM tasks
WHERE status = 'queued' AND limits IS NOT NULL AND hold <> 'no_worker' AND account_id = coalesce($1::text, account_id)
GROUP BY account_id, hold
