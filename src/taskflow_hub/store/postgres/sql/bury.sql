-- alive, draining → dead. $3: was it taken for dead, or has it left?
UPDATE workers SET state = 'dead', died_at = coalesce($1::timestamptz, now()), lost = $3 WHERE id = $2 AND state <> 'dead'
