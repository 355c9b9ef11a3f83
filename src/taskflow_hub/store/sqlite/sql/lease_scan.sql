-- The first ready tasks of some (queue, type, account), in order of priority and place. The branches, one for each, are in order by
-- the ready index, so SQLite merges them without sorting and stops at the limit; a branch more may stand for held tasks that their
-- limits let start (lease_held.sql), and these few are sorted. Or the order has been decided (lease_chosen.sql). It is one answer,
-- so it must not become too large: it ends with the task whose payload reaches the second limit.
WITH clock (now) AS (VALUES (?)),
first (id, priority, seq) AS (
    /*branch*/
    ORDER BY priority DESC, seq
    LIMIT ?
),
weighed (id, box, octets, total) AS (
    SELECT first.id, payloads.rowid, octets, sum(octets) OVER (ROWS UNBOUNDED PRECEDING)
    FROM first CROSS JOIN tasks AS task ON task.rowid = first.id CROSS JOIN payloads ON task_id = task.id
)
SELECT cast('[' || coalesce(group_concat(
    '[' || task.rowid || ',' || task.priority || ',' || task.seq || ',' || json_quote(task.id) || ',' || task.attempt
    || ',' || json_quote(task.type) || ',' || json_quote(task.queue)
    || ',' || (SELECT payload FROM payloads WHERE payloads.rowid = box)
    || ',' || coalesce(task.timeout, 'null') || ',' || task.retry_count || ',' || coalesce(task.max_retries, 'null')
    || ',' || task.created_at || ',' || task.tags || ',' || json_quote(task.traceparent) || ',' || task.crashes
    || ',' || octets || ',' || json_quote(task.account_id) || ',' || coalesce(task.limits, 'null') || ']'
), '') || ']' AS BLOB)
FROM weighed CROSS JOIN tasks AS task ON task.rowid = weighed.id
WHERE total - octets < ?
