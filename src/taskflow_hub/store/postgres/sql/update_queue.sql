INSERT INTO queues (name, max_size) VALUES ($1, $2::integer)
ON CONFLICT (name) DO UPDATE SET max_size = excluded.max_size
RETURNING name, paused, max_size
