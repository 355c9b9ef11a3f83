-- running → queued with its old `seq`, the front of the line; or → cancelled where that is asked. Answers the places of all that own
-- their task, and where those that are queued stand.
WITH clock AS (SELECT coalesce($1::timestamptz, now()) AS now),
item AS MATERIALIZED (
    SELECT * FROM unnest($3::uuid[], $4::integer[], $5::double precision[]) WITH ORDINALITY AS item (id, attempt, ran_s, n)
    ORDER BY id
),
locked AS MATERIALIZED (
    SELECT
        item.n, item.id, task.attempt, task.worker, task.cancel_requested_at IS NOT NULL AS asked, /*begun*/ AS begun,
        'released' AS outcome, 'released' AS ended_by, NULL::text AS error, false AS crashed
    FROM clock CROSS JOIN item CROSS JOIN LATERAL (/*lock*/) AS task
    WHERE
        task.attempt = item.attempt AND task.status = 'running'
        AND (task.workflow_id IS NULL OR task.cancel_requested_at IS NULL OR $6::boolean)
),
attempt AS (/*attempt*/),
moved AS (
    UPDATE tasks AS task
    SET status = 'queued', started_at = NULL, worker = NULL, taken = NULL, leased_at = NULL, rev = task.rev + 1
    FROM locked
    WHERE task.id = ANY (ARRAY[locked.id]) AND NOT locked.asked
    RETURNING locked.n, task.queue, task.type, task.priority, task.account_id, task.seq
),
/*yield*/
SELECT n, false AS aborted, queue, type, priority, account_id, seq FROM moved
UNION ALL
SELECT n, true, NULL, NULL, NULL, NULL, NULL FROM aborted
