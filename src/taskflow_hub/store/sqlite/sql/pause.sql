-- The row is made if there is none. Leasing reads it: nothing is written to the tasks.
INSERT INTO queues (name, paused) VALUES (?, 1) ON CONFLICT DO UPDATE SET paused = 1
