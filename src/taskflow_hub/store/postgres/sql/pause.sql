-- The row is made if there is none. Leasing reads it: nothing is written to the tasks.
INSERT INTO queues (name, paused) VALUES ($1, true)
ON CONFLICT (name) DO UPDATE SET paused = true
RETURNING /*queue*/
