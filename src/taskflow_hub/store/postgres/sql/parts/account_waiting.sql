-- What waits of the account that is asked for (queued or scheduled), a row for each. Each account but the default one has it in an index of
-- its own; of the default one the parts are read that a queue's bound counts, too.
SELECT
FROM tasks
WHERE tasks.account_id = asked.account_id AND tasks.status IN ('queued', 'scheduled') AND tasks.account_id <> 'default'
UNION ALL
SELECT
FROM tasks
WHERE asked.account_id = 'default' AND tasks.account_id = 'default' AND tasks.status = 'queued' AND tasks.hold IS NULL
UNION ALL
SELECT
FROM tasks
WHERE asked.account_id = 'default' AND tasks.account_id = 'default' AND tasks.status = 'queued' AND tasks.hold IS NOT NULL
UNION ALL
SELECT
FROM tasks
WHERE asked.account_id = 'default' AND tasks.account_id = 'default' AND tasks.status = 'scheduled'
