-- The first ready tasks of some (queue, type, account), without what only a worker needs: several accounts take turns.
WITH clock (now) AS (VALUES (?))
SELECT json_group_array(json_array(n, place, queue, type, account_id, priority, seq)) FROM (/*branch*/)
