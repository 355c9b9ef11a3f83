-- A page, oldest first, after one of them; of one account, or of all.
SELECT json_group_array(json_array(id, account_id, email, role, created_at)) FROM (
    SELECT * FROM account_users WHERE account_id = ? AND id > ?
    UNION ALL
    SELECT * FROM account_users WHERE ? IS NULL AND id > ?
    ORDER BY id
    LIMIT ?
)
