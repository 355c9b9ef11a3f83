WITH item (id, progress) AS (VALUES /*items*/ (?, ?))
UPDATE tasks
SET progress = item.progress, rev = rev + 1
FROM item
WHERE tasks.id = item.id
