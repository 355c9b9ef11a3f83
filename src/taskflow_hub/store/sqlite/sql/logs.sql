-- Lines after (attempt, n), in order. No row: no such task for this account.
WITH wanted (id, account_id, attempt, n, "limit") AS (VALUES (?, ?, ?, ?, ?))
SELECT '[' || coalesce((
    SELECT group_concat(json_array(attempt, n, at, level, message, json(fields))) FROM (
        SELECT log_lines.* FROM log_lines
        WHERE task_id = wanted.id AND (log_lines.attempt, log_lines.n) > (wanted.attempt, wanted.n)
        ORDER BY log_lines.attempt, log_lines.n
        LIMIT (SELECT "limit" FROM wanted)
    )
), '') || ']'
FROM wanted
WHERE
    EXISTS (SELECT 1 FROM tasks WHERE tasks.id = wanted.id AND tasks.account_id = wanted.account_id)
    OR EXISTS (SELECT 1 FROM finished_tasks AS f WHERE f.id = wanted.id AND f.account_id = wanted.account_id)
