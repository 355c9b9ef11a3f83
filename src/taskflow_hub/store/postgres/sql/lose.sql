-- running → queued with its old `seq`, the front of the line; or → cancelled where that is asked. Answers the places of all that own
-- their task, and where those that are queued stand. Fenced by the owner, too: whoever read that he is dead (trap a of the design) may
-- find that another has the task by now. Nothing counts once the owner's process has come back (take_back.sql).
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now),
item AS MATERIALIZED (
    SELECT *
    FROM unnest($3::uuid[], $4::integer[], $5::text[], $6::text[], $7::boolean[], $8::text[])
        WITH ORDINALITY AS item (id, attempt, worker, outcome, crashed, error, n)
    ORDER BY id
),
locked AS MATERIALIZED (
    SELECT
        item.n, item.id, task.attempt, task.worker, task.cancel_requested_at IS NOT NULL AS asked, task.started_at AS begun,
        item.outcome, item.outcome AS ended_by, item.error, item.crashed AND task.missing >= 0 AS crashed
    FROM item CROSS JOIN LATERAL (/*lock*/) AS task
    WHERE
        task.attempt = item.attempt AND task.status = 'running' AND task.worker = item.worker
        AND (task.workflow_id IS NULL OR task.cancel_requested_at IS NULL OR $9::boolean)
),
attempt AS (/*attempt*/),
moved AS (
    UPDATE tasks AS task
    SET
        status = 'queued', crashes = task.crashes + locked.crashed::integer,
        transits = task.transits + (locked.outcome = 'undelivered')::integer, error = coalesce(locked.error, task.error),
        started_at = NULL, worker = NULL, taken = NULL, leased_at = NULL, rev = task.rev + 1
    FROM locked
    WHERE task.id = ANY (ARRAY[locked.id]) AND NOT locked.asked
    RETURNING locked.n, task.queue, task.type, task.priority, task.account_id, task.seq
),
/*yield*/
SELECT n, false AS aborted, queue, type, priority, account_id, seq FROM moved
UNION ALL
SELECT n, true, NULL, NULL, NULL, NULL, NULL FROM aborted
