-- The first of some groups of held tasks.
WITH clock (now) AS (VALUES (?)),
first (place, queue, type, account_id, priority, seq) AS (/*branch*/)
SELECT json_group_array(json_array(place, queue, type, account_id, priority, seq)) FROM first
