-- Tasks of a (queue, type) that somebody serves again come back into the ready index, first in line first.
UPDATE tasks
SET hold = NULL, rev = rev + 1
WHERE rowid IN (
    SELECT rowid FROM tasks INDEXED BY tasks_unserved
    WHERE queue = ? AND type = ? AND status = 'queued' AND hold = 'no_worker'
    ORDER BY priority DESC, seq LIMIT ?
)
