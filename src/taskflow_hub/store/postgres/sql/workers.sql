-- Oldest first.
SELECT
    id, name, host, pid, version, state, slots, "window", queues, types, registered_at, last_beat_at, beats, stuck, loop_lag_s,
    (SELECT count(*) FROM tasks WHERE tasks.worker = workers.id AND tasks.status = 'running') AS running
FROM workers
WHERE (state <> 'dead' OR $1::boolean) AND ($2::text IS NULL OR id = $2::text)
ORDER BY registered_at, id
