-- alive → draining.
UPDATE workers SET state = 'draining' WHERE id = ? AND state = 'alive'
