WITH asked (id, new_id) AS (VALUES (?, ?))
INSERT INTO task_tags (account_id, tag, task_id)
SELECT DISTINCT task.account_id, tag.value, asked.new_id
FROM asked CROSS JOIN finished_tasks AS task ON task.id = asked.id CROSS JOIN json_each(task.tags) AS tag
