-- The first ready tasks of one line from a place on, locked for this lease; past those that another process is just taking.
SELECT task.id::text AS id, task.queue, task.type, task.priority, task.seq, task.crashes, task.octets,
    CASE WHEN task.limits IS NOT NULL THEN task.account_id END AS account_id, task.limits
FROM tasks AS task
WHERE /*line*/
ORDER BY task.seq
LIMIT $6::integer
FOR UPDATE OF task SKIP LOCKED
