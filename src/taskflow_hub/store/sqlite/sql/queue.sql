-- A queue's policy: its row, and its row among the limits.
SELECT json_array(queues.name, queues.paused, queues.max_size, limits.running, limits.per_second)
FROM queues LEFT JOIN limits ON limits.account_id = '' AND limits.key = 'queue:' || queues.name
WHERE queues.name = ?
