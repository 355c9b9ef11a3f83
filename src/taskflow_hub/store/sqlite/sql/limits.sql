-- A page of limits, of one account or of all, by account and key, after one of them. Those of no account are quotas of accounts, and
-- limits of queues.
SELECT json_group_array(json_array(account_id, key, running, per_second, pinned)) FROM (
    SELECT account_id, key, running, per_second, pinned FROM limits
    WHERE account_id = ? AND account_id <> '' AND (account_id, key) > (?, ?)
    UNION ALL
    SELECT account_id, key, running, per_second, pinned FROM limits
    WHERE ? IS NULL AND account_id <> '' AND (account_id, key) > (?, ?)
    ORDER BY account_id, key
    LIMIT ?
)
