-- Nodes in a tree that ended whose work is not kept: the task of a plain one, or some items that failed or were cancelled.
SELECT json_group_array(json_array(workflow_id, node)) FROM (
    SELECT node.workflow_id, node.node
    FROM
        workflows AS workflow
        CROSS JOIN workflow_nodes AS node ON node.workflow_id = workflow.id
        CROSS JOIN workflow_tasks AS work ON work.workflow_id = node.workflow_id AND work.node = node.node
        LEFT JOIN finished_tasks AS task ON task.id = work.task_id
    WHERE
        workflow.root_id = ? AND workflow.status IN ('failed', 'cancelled')
        AND (node.status IN ('failed', 'cancelled', 'skipped') OR node.node = 'finally')
    GROUP BY node.workflow_id, node.node
    HAVING
        CASE
            WHEN node.total IS NULL THEN count(task.id) < count(*)
            ELSE count(task.id) FILTER (WHERE task.status IN ('failed', 'cancelled')) < node.failed + node.cancelled
        END
    ORDER BY node.workflow_id, node.node
)
