-- The queue's row as it is, made if there is none, and locked: of two who change it at once the second sees what the first has done.
INSERT INTO queues (name) VALUES ($1)
ON CONFLICT (name) DO UPDATE SET name = excluded.name
RETURNING /*queue*/
