-- Of every version of the schema.
SELECT
    name || ' on ' || host AS name, version,
    greatest(extract(epoch FROM clock_timestamp() - last_beat_at), 0)::double precision AS silent_s
FROM workers
WHERE state <> 'dead'
ORDER BY registered_at, id
