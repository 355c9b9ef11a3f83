-- Of these attempts, those that do not own their task, with how they ended if they are known to have: [place in the batch, ended by].
-- Nearly always the answer is empty. An attempt that ended stands in attempts, or in finished_tasks if it ended the task.
WITH item (n, id, attempt) AS (VALUES /*items*/ (?, ?, ?))
SELECT json_group_array(json_array(
    item.n,
    coalesce(
        (SELECT ended_by FROM attempts WHERE task_id = item.id AND attempts.attempt = item.attempt),
        (SELECT ended_by FROM finished_tasks WHERE id = item.id AND finished_tasks.attempt = item.attempt),
        (SELECT ended_by FROM tasks WHERE id = item.id AND tasks.attempt = item.attempt)
    )
))
FROM item
WHERE
    item.id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM tasks WHERE id = item.id AND attempt = item.attempt AND status = 'running')
