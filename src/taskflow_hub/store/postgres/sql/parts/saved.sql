-- Workflows of which anything has changed (`flow`), their nodes as they have become (`step`), and, as unblock.sql does it,
-- blocked → queued for tasks that are released (`freed`). `gate`: a row, or none, and then nothing of it.
saved AS (
    UPDATE workflows AS workflow
    SET
        status = flow.status, ending = flow.ending, left_nodes = flow.left_nodes, broken = flow.broken, result = flow.result,
        error = flow.error, rev = workflow.rev + 1,
        finished_at = CASE WHEN flow.status <> 'running' THEN clock.now END,
        cancel_requested_at = CASE
            WHEN flow.ending = 'cancel' THEN coalesce(workflow.cancel_requested_at, clock.now)
        END,
        deadline_at = coalesce(clock.now + make_interval(secs => flow.deadline_s), workflow.deadline_at)
    FROM clock, gate, flow
    WHERE workflow.id = ANY (ARRAY[flow.id])
),
changed AS (
    UPDATE workflow_nodes AS node
    SET
        status = step.status, waits = step.waits, missed = step.missed, total = step.total, left_items = step.left_items,
        failed = step.failed, cancelled = step.cancelled, error = step.error,
        started_at = CASE WHEN step.begun THEN coalesce(node.started_at, clock.now) END,
        finished_at = CASE WHEN step.status NOT IN ('blocked', 'running') THEN coalesce(node.finished_at, clock.now) END
    FROM clock, gate, step
    WHERE node.workflow_id = ANY (ARRAY[step.workflow_id]) AND node.node = step.node
),
waiting AS MATERIALIZED (
    SELECT item.*
    FROM (SELECT freed.* FROM gate CROSS JOIN freed ORDER BY freed.id) AS item CROSS JOIN LATERAL (/*lock*/) AS task
    WHERE task.status = 'blocked'
),
line AS MATERIALIZED (
    SELECT waiting.*, nextval('task_seq') AS seq FROM (SELECT * FROM waiting ORDER BY n) AS waiting
),
ready AS (
    UPDATE tasks AS task
    SET
        status = 'queued', seq = line.seq, rev = task.rev + 1, payload = coalesce(line.payload, task.payload),
        octets = coalesce(octet_length(line.payload), task.octets)
    FROM line
    WHERE task.id = ANY (ARRAY[line.id])
    RETURNING task.queue, task.type, task.priority, task.account_id, task.seq
)
