-- scheduled → queued for those whose time has come, at the end of the line in the order of their times. Any number of processes may
-- do this: each passes over what another is just moving. $2: from where on to look (next_due.sql).
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now),
due AS MATERIALIZED (
    SELECT task.id, task.run_at
    FROM tasks AS task
    WHERE
        task.status = 'scheduled' AND task.run_at >= coalesce($2::timestamptz, '-infinity')
        AND task.run_at <= coalesce($1::timestamptz, now())
    ORDER BY task.run_at
    LIMIT $3::integer
    FOR UPDATE SKIP LOCKED
),
line AS MATERIALIZED (
    SELECT id, nextval('task_seq') AS seq FROM (SELECT id FROM due ORDER BY run_at, id) AS due
)
UPDATE tasks AS task
SET status = 'queued', seq = line.seq, rev = task.rev + 1
FROM line
WHERE task.id = ANY (ARRAY[line.id])
RETURNING task.id::text AS id, task.queue, task.type, task.priority, task.account_id, task.seq
