-- These attempts go to sleep for these events, if they own their tasks. Answers the tasks that have been sent one of them.
-- The rows of the tasks are locked (only/lock_tasks.sql). That they own them is asked again, by the move itself: a wait is one of an
-- attempt, and wakes no other.
WITH item AS MATERIALIZED (
    SELECT item.*
    FROM unnest($1::uuid[], $2::integer[], $3::text[]) AS item (id, attempt, event)
    CROSS JOIN LATERAL (SELECT attempt, status FROM tasks WHERE tasks.id = item.id OFFSET 0) AS task
    WHERE item.attempt = task.attempt AND task.status = 'running'
),
kept AS (
    INSERT INTO task_waits (task_id, event, attempt)
    SELECT id, event, attempt FROM item ORDER BY id, event
    ON CONFLICT (task_id, event) DO UPDATE SET attempt = excluded.attempt
)
SELECT DISTINCT item.id::text AS id
FROM item
WHERE EXISTS (SELECT FROM task_events AS sent WHERE sent.task_id = item.id AND sent.name = item.event OFFSET 0)
