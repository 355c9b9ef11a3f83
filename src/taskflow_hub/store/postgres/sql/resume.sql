INSERT INTO queues (name, paused) VALUES ($1, false)
ON CONFLICT (name) DO UPDATE SET paused = false
RETURNING /*queue*/
