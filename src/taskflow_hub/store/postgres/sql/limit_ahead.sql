-- Which of the next ready tasks of some lines have limits: what a full one holds back is put aside by the thousand, and not page by
-- page. Nothing is locked (limit_hold.sql locks what is put aside).
SELECT ready.id, ready.account_id, ready.limits
FROM unnest($2::text[], $3::text[], $4::smallint[], $5::text[], $6::bigint[])
    AS line (queue, type, priority, account_id, since)
CROSS JOIN LATERAL (
    SELECT task.id::text AS id, task.account_id, task.limits
    FROM tasks AS task
    WHERE
        task.queue = line.queue AND task.type = line.type AND task.priority = line.priority
        AND task.account_id = line.account_id AND task.seq >= line.since
        AND task.status = 'queued' AND task.hold IS NULL
        AND (task.expires_at IS NULL OR task.expires_at > coalesce($1::timestamptz, now()))
    ORDER BY task.seq
    LIMIT $7::integer
) AS ready
WHERE ready.limits IS NOT NULL
