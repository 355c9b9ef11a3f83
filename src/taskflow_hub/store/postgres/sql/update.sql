-- Only while unstarted, and `run_at` only while scheduled. A queue that is named is no longer waiting for the type's home; a hold says
-- why the old queue could not be served. Answers where it stands, if it may be leased, and what it was before; no row: not in such a
-- state. Locked first, by its id alone, as in promote.sql.
WITH was AS MATERIALIZED (
    SELECT id, priority, run_at, queue FROM tasks WHERE id = $1::uuid FOR UPDATE
)
UPDATE tasks AS task
SET
    priority = coalesce($3::smallint, task.priority), run_at = coalesce($4::timestamptz, task.run_at),
    queue = coalesce($5::text, task.queue), unrouted = task.unrouted AND $5::text IS NULL,
    hold = CASE WHEN $5::text IS NULL THEN task.hold END, rev = task.rev + 1
FROM was
WHERE
    task.id = ANY (ARRAY[was.id]) AND task.account_id = $2::text AND task.status IN ('scheduled', 'blocked', 'queued')
    AND ($4::timestamptz IS NULL OR task.status = 'scheduled')
RETURNING
    task.queue, task.type, task.priority, task.account_id,
    CASE WHEN task.status = 'queued' AND task.hold IS NULL THEN task.seq END AS seq,
    was.priority AS was_priority, was.run_at AS was_run_at, was.queue AS was_queue
