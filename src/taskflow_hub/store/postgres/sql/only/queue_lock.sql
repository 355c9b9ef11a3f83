-- The queue's row, made if there is none, and locked: of two who change it at once the second sees what the first has done (in a second
-- statement: trap c of the design).
INSERT INTO queues (name) VALUES ($1)
ON CONFLICT (name) DO UPDATE SET name = excluded.name
