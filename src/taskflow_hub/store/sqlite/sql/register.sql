-- Twice with the same id is one registration.
INSERT INTO workers (id, name, host, pid, version, state, slots, window, queues, types, registered_at, last_beat_at)
VALUES (?, ?, ?, ?, ?, 'alive', ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
