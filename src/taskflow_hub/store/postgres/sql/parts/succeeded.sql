-- What succeed.sql has `locked` has ended: it moves to history, and is counted.
ended AS (
    DELETE FROM tasks AS task USING locked WHERE task.id = ANY (ARRAY[locked.id])
    RETURNING task.*, locked.n, locked.begun, locked.result, locked.result_ref
),
kept AS (
    INSERT INTO finished_tasks (/*carried*/, status, rev, crashes, started_at, finished_at, outcome, ended_by, result, result_ref)
    SELECT /*carried*/, 'success', rev + 1, crashes, begun, clock.now, 'succeeded', 'succeeded', result, result_ref
    FROM ended CROSS JOIN clock
    RETURNING account_id, queue, type, status, finished_at
),
tally AS (/*tally*/)
