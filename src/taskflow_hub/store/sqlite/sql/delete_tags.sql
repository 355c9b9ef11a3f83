-- Before the tasks themselves go: their rows say which tags there are.
DELETE FROM task_tags WHERE (account_id, tag, task_id) IN (
    SELECT finished_tasks.account_id, tag.value, finished_tasks.id
    FROM json_each(?) AS item
    CROSS JOIN finished_tasks ON finished_tasks.id = item.value
    CROSS JOIN json_each(finished_tasks.tags) AS tag
)
