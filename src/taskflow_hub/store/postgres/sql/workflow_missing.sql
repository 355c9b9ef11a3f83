-- Nodes in a tree that ended whose work is not kept: the task of a plain one, or some items that failed or were cancelled. $2: none of
-- their tasks can have finished before.
SELECT node.workflow_id::text AS workflow_id, node.node
FROM
    workflows AS workflow
    CROSS JOIN LATERAL (
        SELECT * FROM workflow_nodes AS node WHERE node.workflow_id = workflow.id OFFSET 0
    ) AS node
    CROSS JOIN LATERAL (
        SELECT task_id FROM workflow_tasks AS work WHERE work.workflow_id = node.workflow_id AND work.node = node.node OFFSET 0
    ) AS work
    LEFT JOIN LATERAL (
        SELECT task.id, task.status FROM finished_tasks AS task
        WHERE task.id = work.task_id AND task.finished_at >= $2::timestamptz
        OFFSET 0
    ) AS task ON true
WHERE
    workflow.root_id = $1::uuid AND workflow.status IN ('failed', 'cancelled')
    AND (node.status IN ('failed', 'cancelled', 'skipped') OR node.node = 'finally')
GROUP BY node.workflow_id, node.node, node.total, node.failed, node.cancelled
HAVING
    CASE
        WHEN node.total IS NULL THEN count(task.id) < count(*)
        ELSE count(task.id) FILTER (WHERE task.status IN ('failed', 'cancelled')) < node.failed + node.cancelled
    END
ORDER BY node.workflow_id, node.node
