-- Both tables in one statement, so that a finish in between hides nothing. No row: no such task for this account.
WITH wanted (id, account_id) AS (VALUES (?, ?))
SELECT cast(row AS BLOB)
FROM (
    SELECT /*task*/ AS row
    FROM wanted CROSS JOIN tasks AS task ON task.id = wanted.id AND task.account_id = wanted.account_id
    UNION ALL
    SELECT /*task*/ AS row
    FROM wanted CROSS JOIN finished_tasks AS task ON task.id = wanted.id AND task.account_id = wanted.account_id
)
