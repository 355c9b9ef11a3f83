-- The tasks of workflows among those that have ended in this transaction: [id, how].
SELECT json_group_array(json_array(id, status)) FROM tasks INDEXED BY tasks_ended_of_workflow
WHERE status IN ('success', 'failed', 'cancelled', 'skipped') AND workflow_id IS NOT NULL
