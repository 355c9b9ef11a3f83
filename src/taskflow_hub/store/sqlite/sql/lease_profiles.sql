-- What these workers serve; it never changes, so it is asked once.
SELECT json_group_array(json_array(id, json(queues), json(types))) FROM workers WHERE id IN (SELECT value FROM json_each(?))
