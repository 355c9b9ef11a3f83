-- What a person cancels: unstarted → cancelled; a running task is asked, once, and reports `aborted` later. Which of the two is decided
-- by the row as it is once it is locked: a task that is leased while we wait for it is not lost, but asked. Answers those that changed,
-- with the state each was in. $4: the workflows whose rows are locked; no task of another is touched.
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now),
item AS MATERIALIZED (SELECT DISTINCT id FROM unnest($3::uuid[]) AS item (id) ORDER BY id),
locked AS MATERIALIZED (
    SELECT item.id, task.status, task.attempt, task.worker
    FROM item CROSS JOIN LATERAL (/*lock*/) AS task
    WHERE
        task.cancel_requested_at IS NULL
        AND (task.workflow_id IS NULL OR task.workflow_id = ANY ($4::text[]))
),
asked AS (
    UPDATE tasks AS task SET cancel_requested_at = clock.now, rev = task.rev + 1
    FROM locked CROSS JOIN clock
    WHERE task.id = ANY (ARRAY[locked.id]) AND locked.status = 'running'
),
ended AS (
    DELETE FROM tasks AS task USING locked WHERE task.id = ANY (ARRAY[locked.id]) AND locked.status <> 'running' RETURNING task.*
),
kept AS (
    INSERT INTO finished_tasks (/*carried*/, status, rev, crashes, started_at, finished_at, error)
    SELECT /*carried*/, 'cancelled', rev + 1, crashes, started_at, clock.now, error
    FROM ended CROSS JOIN clock
    RETURNING account_id, queue, type, status, finished_at
),
tally AS (/*tally*/)
SELECT id::text AS id, status, attempt, worker FROM locked
