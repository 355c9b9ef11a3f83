-- alive → draining.
UPDATE workers SET state = 'draining' WHERE id = $1 AND state = 'alive'
