-- Which of these tasks have been sent an event that they go to sleep for.
WITH item (id, event) AS (VALUES /*items*/ (?, ?))
SELECT json_group_array(item.id) FROM item CROSS JOIN task_events AS sent ON sent.task_id = item.id AND sent.name = item.event
