-- One live task, locked. It is found by its id and by nothing else: given more to go by, a planner without statistics walks some other
-- index (OFFSET 0 keeps it from moving conditions in here). Whoever waited for the lock decides by what he finds then.
SELECT
    tasks.status, tasks.attempt, tasks.worker, tasks.leased_at, tasks.started_at, tasks.missing,
    tasks.cancel_requested_at, tasks.error, tasks.workflow_id
FROM tasks WHERE tasks.id = item.id OFFSET 0 FOR UPDATE
