-- The workers that shall get something, locked: whoever leases for one of them meanwhile waits here. In the order of their ids,
-- so that two leases never wait for each other.
SELECT id, slots + "window" AS places
FROM workers
WHERE state = 'alive' AND ($1::text[] IS NULL OR id = ANY ($1::text[]))
ORDER BY id
FOR NO KEY UPDATE
