-- alive, draining → dead. The second: was it taken for dead, or has it left?
UPDATE workers SET state = 'dead', died_at = ?, lost = ? WHERE id = ? AND state <> 'dead'
