-- The first ready tasks of several lines of one priority, so many of each, in their common order; `n` tells the line. Nothing is
-- locked, for most of it will not be taken (lease_take.sql locks what is).
SELECT line.n::integer AS n, ready.id, ready.seq
FROM unnest($2::text[], $3::text[], $4::bigint[]) WITH ORDINALITY AS line (queue, type, since, n)
CROSS JOIN LATERAL (
    SELECT task.id::text AS id, task.seq
    FROM tasks AS task
    WHERE
        task.queue = line.queue AND task.type = line.type AND task.priority = $5::smallint AND task.seq >= line.since
        AND task.status = 'queued' AND task.hold IS NULL
        AND (task.expires_at IS NULL OR task.expires_at > coalesce($1::timestamptz, now()))
    ORDER BY task.seq
    LIMIT $6::integer
) AS ready
ORDER BY ready.seq
