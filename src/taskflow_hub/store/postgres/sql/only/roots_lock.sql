-- The roots of the workflows that these tasks are part of, locked in the order of their ids: before anything else that is locked. And whose
-- work the tasks are, for that never changes. `rev` tells whether what is remembered of them is true (known.py).
WITH mine AS MATERIALIZED (
    SELECT
        task.workflow_id::uuid AS root_id,
        array_agg(ARRAY[work.workflow_id::text, work.node, work.item::text, work.task_id::text])
            FILTER (WHERE work.task_id IS NOT NULL) AS work
    FROM tasks AS task LEFT JOIN workflow_tasks AS work ON work.task_id = ANY (ARRAY[task.id])
    WHERE task.id = ANY ($1::uuid[]) AND task.workflow_id IS NOT NULL
    GROUP BY 1
    ORDER BY 1
)
SELECT /*workflow*/, workflow.rev, mine.work
FROM mine CROSS JOIN LATERAL (SELECT * FROM workflows WHERE workflows.id = mine.root_id OFFSET 0 FOR UPDATE) AS workflow
