-- A queue's policy: its row, and its row among the limits.
queues.name, queues.paused, queues.max_size,
(SELECT running FROM limits WHERE account_id = '' AND key = 'queue:' || queues.name) AS running,
(SELECT per_second FROM limits WHERE account_id = '' AND key = 'queue:' || queues.name) AS per_second
