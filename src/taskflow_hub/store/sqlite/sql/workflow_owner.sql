-- Whose it is, and its root: [account, root].
SELECT json_array(account_id, root_id) FROM workflows WHERE id = ?
