-- Until our commit nobody else adds a user or changes one; whoever reads does not wait.
LOCK TABLE account_users IN SHARE ROW EXCLUSIVE MODE
