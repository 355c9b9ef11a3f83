-- blocked → queued, at the end of the line, in the order given.
WITH item AS MATERIALIZED (
    SELECT id, min(n) AS n FROM unnest($1::uuid[]) WITH ORDINALITY AS item (id, n) GROUP BY id ORDER BY id
),
locked AS MATERIALIZED (
    SELECT item.id, item.n FROM item CROSS JOIN LATERAL (/*lock*/) AS task WHERE task.status = 'blocked'
),
line AS MATERIALIZED (
    SELECT id, nextval('task_seq') AS seq FROM (SELECT id FROM locked ORDER BY n) AS locked
)
UPDATE tasks AS task
SET status = 'queued', seq = line.seq, rev = task.rev + 1
FROM line
WHERE task.id = ANY (ARRAY[line.id])
RETURNING task.id::text AS id, task.queue, task.type, task.priority, task.account_id, task.seq
