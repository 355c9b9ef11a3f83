-- blocked → queued, at the end of the line, in the order given. $2, $3: with another payload, with other limits; null: as they are.
WITH item AS MATERIALIZED (
    SELECT DISTINCT ON (id) id, payload, limits, n
    FROM unnest($1::uuid[], $2::text[], $3::text[]) WITH ORDINALITY AS item (id, payload, limits, n)
    ORDER BY id, n
),
locked AS MATERIALIZED (
    SELECT item.* FROM item CROSS JOIN LATERAL (/*lock*/) AS task WHERE task.status = 'blocked'
),
line AS MATERIALIZED (
    SELECT locked.*, nextval('task_seq') AS seq FROM (SELECT * FROM locked ORDER BY n) AS locked
)
UPDATE tasks AS task
SET
    status = 'queued', seq = line.seq, rev = task.rev + 1, payload = coalesce(line.payload, task.payload),
    octets = coalesce(octet_length(line.payload), task.octets), limits = coalesce(line.limits, task.limits)
FROM line
WHERE task.id = ANY (ARRAY[line.id])
RETURNING task.id::text AS id, task.queue, task.type, task.priority, task.account_id, task.seq
