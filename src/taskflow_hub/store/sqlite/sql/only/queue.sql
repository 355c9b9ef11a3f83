SELECT json_array(name, paused, max_size) FROM queues WHERE name = ?
