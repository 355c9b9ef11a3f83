-- Of each item: does its attempt own the task, how many steps has that, and what stands under its name?
WITH item (n, id, attempt, kind, name) AS (VALUES /*items*/ (?, ?, ?, ?, ?))
SELECT json_group_array(json_array(
    item.n,
    EXISTS (SELECT 1 FROM tasks WHERE id = item.id AND attempt = item.attempt AND status = 'running'),
    (SELECT count(*) FROM task_steps WHERE task_id = item.id),
    kept.kept_at, kept.wakes_at, kept.decided_at, kept.result
))
FROM item LEFT JOIN task_steps AS kept ON kept.task_id = item.id AND kept.kind = item.kind AND kept.name = item.name
WHERE item.id IS NOT NULL
