-- A wait is decided: the event came (its payload), or did not (null).
UPDATE task_steps SET decided_at = ?, octets = ?, result = ? WHERE task_id = ? AND kind = 'event' AND name = ?
