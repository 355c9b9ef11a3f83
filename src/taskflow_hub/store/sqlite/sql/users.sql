-- Oldest first; those of one account, or all.
SELECT json_group_array(json_array(id, account_id, email, role, created_at)) FROM (
    SELECT * FROM account_users WHERE account_id = ?
    UNION ALL
    SELECT * FROM account_users WHERE ? IS NULL
    ORDER BY created_at, id
)
