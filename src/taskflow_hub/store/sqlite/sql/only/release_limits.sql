WITH item (id, limits) AS (VALUES /*items*/ (?, ?))
UPDATE tasks SET limits = item.limits FROM item WHERE tasks.id = item.id
