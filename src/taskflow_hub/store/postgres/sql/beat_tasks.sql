-- What a heartbeat says of running attempts, as far as the worker still owns them ($2). Only the first start is seen from outside, so
-- only that raises `rev`.
WITH item AS MATERIALIZED (
    SELECT * FROM unnest($3::uuid[], $4::integer[], $5::text[], $6::smallint[], $7::boolean[])
        AS item (id, attempt, taken, missing, starts)
    ORDER BY id
),
owned AS MATERIALIZED (
    SELECT item.*
    FROM item CROSS JOIN LATERAL (/*lock*/) AS task
    WHERE task.status = 'running' AND task.attempt = item.attempt AND task.worker = $2::text
)
UPDATE tasks
SET
    taken = owned.taken, missing = owned.missing,
    rev = tasks.rev + (tasks.started_at IS NULL AND owned.starts)::integer,
    started_at = CASE WHEN owned.starts THEN coalesce(tasks.started_at, $1::timestamptz, now()) ELSE tasks.started_at END
FROM owned
WHERE tasks.id = ANY (ARRAY[owned.id])
