-- Bounded queues, locked in the order of their names: whoever else submits to them waits here. A bound that was changed or
-- taken away meanwhile is seen.
SELECT name, max_size FROM queues
WHERE name = ANY ($1::text[]) AND max_size IS NOT NULL
ORDER BY name COLLATE "C"
FOR UPDATE
