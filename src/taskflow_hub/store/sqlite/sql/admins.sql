SELECT json_group_array(id) FROM account_users WHERE role = 'admin'
