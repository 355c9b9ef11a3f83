-- The first of some groups of held tasks.
WITH clock (now) AS (VALUES (?)),
first (place, priority, seq) AS (/*branch*/)
SELECT json_group_array(json_array(place, priority, seq)) FROM first
