INSERT INTO queues (name, max_size) VALUES (?, ?) ON CONFLICT DO UPDATE SET max_size = excluded.max_size
