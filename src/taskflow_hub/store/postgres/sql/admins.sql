-- Every admin, and this user, as they are once all of them are locked: two who take the role from each other do so one after the
-- other. In one order for all processes.
SELECT /*user*/ FROM account_users
WHERE role = 'admin' OR id = $1
ORDER BY id COLLATE "C"
FOR NO KEY UPDATE
