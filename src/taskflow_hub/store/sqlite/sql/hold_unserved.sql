-- Ready tasks of a (queue, type) that no alive worker serves leave the ready index. unhold.sql brings them back.
UPDATE tasks
SET hold = 'no_worker', rev = rev + 1
WHERE rowid IN (
    SELECT rowid FROM tasks INDEXED BY tasks_ready
    WHERE queue = ? AND type = ? AND status = 'queued' AND hold IS NULL
    LIMIT ?
)
