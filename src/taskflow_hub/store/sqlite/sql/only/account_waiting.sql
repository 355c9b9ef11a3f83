-- How many tasks of an account wait (queued or scheduled), counted no further than it is told. Each account but the default one has them
-- in an index of its own; of the default one the parts are read that a queue's bound counts, too.
WITH wanted (account_id, most) AS (VALUES (?, ?))
SELECT count(*) FROM (
    SELECT 1 FROM wanted CROSS JOIN tasks INDEXED BY tasks_waiting
    ON tasks.account_id = wanted.account_id AND status IN ('queued', 'scheduled') AND tasks.account_id <> 'default'
    UNION ALL
    SELECT 1 FROM wanted CROSS JOIN tasks INDEXED BY tasks_ready
    ON wanted.account_id = 'default' AND tasks.account_id = 'default' AND status = 'queued' AND hold IS NULL
    UNION ALL
    SELECT 1 FROM wanted CROSS JOIN tasks INDEXED BY tasks_held
    ON wanted.account_id = 'default' AND tasks.account_id = 'default' AND status = 'queued' AND hold IS NOT NULL
    UNION ALL
    SELECT 1 FROM wanted CROSS JOIN tasks INDEXED BY tasks_scheduled
    ON wanted.account_id = 'default' AND tasks.account_id = 'default' AND status = 'scheduled'
    LIMIT (SELECT most FROM wanted)
)
