-- A page of limits, of one account or of all, by account and key, after one of them. Those of no account are quotas of accounts, and
-- limits of queues.
SELECT account_id, key, running, per_second, pinned
FROM limits
WHERE
    ($1::text IS NULL OR account_id = $1)
    AND account_id <> ''
    AND (account_id COLLATE "C", key COLLATE "C") > ($2::text, $3::text)
ORDER BY account_id COLLATE "C", key COLLATE "C"
LIMIT $4::integer
