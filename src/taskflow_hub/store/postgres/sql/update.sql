-- Only while unstarted, and `run_at` only while scheduled. A queue that is named is no longer waiting for the type's home; a hold says
-- why the old queue could not be served. Answers where it stands, if it may be leased; no row: not in such a state.
UPDATE tasks AS task
SET
    priority = coalesce($3::smallint, task.priority), run_at = coalesce($4::timestamptz, task.run_at),
    queue = coalesce($5::text, task.queue), unrouted = task.unrouted AND $5::text IS NULL,
    hold = CASE WHEN $5::text IS NULL THEN task.hold END, rev = task.rev + 1
WHERE
    task.id = $1::uuid AND task.account_id = $2::text AND task.status IN ('scheduled', 'blocked', 'queued')
    AND ($4::timestamptz IS NULL OR task.status = 'scheduled')
RETURNING
    task.queue, task.type, task.priority, task.account_id,
    CASE WHEN task.status = 'queued' AND task.hold IS NULL THEN task.seq END AS seq
