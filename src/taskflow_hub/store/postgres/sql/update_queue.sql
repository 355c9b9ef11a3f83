-- The bound, if one is given ($2); the other numbers of a queue are a limit's.
INSERT INTO queues (name, max_size) VALUES ($1, $3::integer)
ON CONFLICT (name) DO UPDATE SET max_size = CASE WHEN $2::boolean THEN excluded.max_size ELSE queues.max_size END
RETURNING /*queue*/
