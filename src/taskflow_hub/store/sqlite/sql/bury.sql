-- alive, draining → dead.
UPDATE workers SET state = 'dead', died_at = ? WHERE id = ? AND state <> 'dead'
