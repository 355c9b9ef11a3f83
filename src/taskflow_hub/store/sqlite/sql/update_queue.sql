-- The bound, if one is given; the other numbers of a queue are a limit's.
WITH given (name, has_max_size, max_size) AS (VALUES (?, ?, ?))
INSERT INTO queues (name, max_size)
SELECT name, max_size FROM given WHERE true
ON CONFLICT DO UPDATE SET
    max_size = CASE WHEN (SELECT has_max_size FROM given) THEN excluded.max_size ELSE queues.max_size END
