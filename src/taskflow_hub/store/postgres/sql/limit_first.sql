-- The first of some groups of held tasks: of each so many as its limits let start now. What has expired is left for expire.sql.
-- Nothing is locked, for not all of it will be taken (lease_held.sql locks what is).
SELECT first.id, item.queue, item.type, item.account_id, first.priority, first.seq
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::integer[]) AS item (queue, type, account_id, limits, room)
CROSS JOIN LATERAL (
    SELECT task.id::text AS id, task.priority, task.seq
    FROM tasks AS task
    WHERE
        task.queue = item.queue AND task.type = item.type AND task.account_id = item.account_id AND task.limits = item.limits
        AND task.status = 'queued' AND task.limits IS NOT NULL AND task.hold <> 'no_worker'
        AND (task.expires_at IS NULL OR task.expires_at > coalesce($1::timestamptz, now()))
    ORDER BY task.priority DESC, task.seq
    LIMIT item.room
) AS first
