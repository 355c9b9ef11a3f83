-- alive, draining → dead.
UPDATE workers SET state = 'dead', died_at = coalesce($1::timestamptz, now()) WHERE id = $2 AND state <> 'dead'
