-- Of these running tasks: who owns them, is a cancel asked, and has their owner come back from the dead?
WITH item (n, id) AS (VALUES /*items*/ (?, ?))
SELECT json_group_array(json_array(
    item.n, tasks.worker, tasks.cancel_requested_at IS NOT NULL, tasks.missing < 0
))
FROM item CROSS JOIN tasks ON tasks.id = item.id
