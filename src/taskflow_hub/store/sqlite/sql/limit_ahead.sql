-- Which of the next ready tasks of some (queue, type) have limits: what a full one holds back is put aside by the thousand, and not
-- page by page.
WITH clock (now) AS (VALUES (?)),
first (id, priority, seq) AS (
    /*branch*/
    ORDER BY priority DESC, seq
    LIMIT ?
)
SELECT json_group_array(json_array(task.rowid, task.account_id, json(task.limits)))
FROM first CROSS JOIN tasks AS task ON task.rowid = first.id
WHERE task.limits IS NOT NULL
