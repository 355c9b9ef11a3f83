-- The first ready tasks of several lines of one priority, so many of each, `n` tells the line. Nothing is
-- locked, for most of it will not be taken (lease_take.sql locks what is).
SELECT line.n::integer AS n, ready.id, ready.seq
FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) WITH ORDINALITY AS line (queue, type, account_id, since, n)
CROSS JOIN LATERAL (
    SELECT task.id::text AS id, task.seq
    FROM tasks AS task
    WHERE
        task.queue = line.queue AND task.type = line.type AND task.priority = $6::smallint
        AND task.account_id = line.account_id AND task.seq >= line.since
        AND task.status = 'queued' AND task.hold IS NULL
        AND (task.expires_at IS NULL OR task.expires_at > coalesce($1::timestamptz, now()))
    ORDER BY task.seq
    LIMIT $7::integer
) AS ready
