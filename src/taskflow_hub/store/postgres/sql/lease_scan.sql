-- The first ready tasks of one line from a place on, locked for this lease; past those that another process is just taking.
SELECT task.id::text AS id, task.queue, task.type, task.priority, task.seq, task.crashes, task.octets,
    task.account_id, task.limits
FROM tasks AS task
WHERE /*line*/
ORDER BY task.seq
LIMIT $7::integer
FOR UPDATE OF task SKIP LOCKED
