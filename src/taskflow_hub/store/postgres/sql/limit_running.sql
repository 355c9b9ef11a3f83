-- What runs under limits of these accounts, counted: there is no counter that could drift. As few rows as there are slots at most.
SELECT account_id, limits, count(*) AS count
FROM tasks
WHERE status = 'running' AND limits IS NOT NULL AND account_id = ANY ($1::text[])
GROUP BY account_id, limits
