-- Of every version of the schema.
SELECT name || ' on ' || host, version, last_beat_at FROM workers WHERE state <> 'dead' ORDER BY registered_at, id
