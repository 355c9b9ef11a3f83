INSERT INTO queues (name, paused) VALUES (?, 0) ON CONFLICT DO UPDATE SET paused = 0
