-- running → cancelled, for those of `locked` with a cancel request standing. `ended_by` is the report that came.
aborted AS (
    DELETE FROM tasks AS task USING locked WHERE task.id = ANY (ARRAY[locked.id]) AND locked.asked
    RETURNING task.*, locked.n, locked.begun, locked.ended_by, coalesce(locked.error, task.error) AS last_error
),
kept AS (
    INSERT INTO finished_tasks (/*carried*/, status, rev, crashes, started_at, finished_at, outcome, ended_by, error)
    SELECT /*carried*/, 'cancelled', rev + 1, crashes, begun, clock.now, 'aborted', ended_by, last_error
    FROM aborted CROSS JOIN clock
    RETURNING account_id, queue, type, status, finished_at
),
tally AS (/*tally*/)
