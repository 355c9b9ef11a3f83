-- Does a transaction that has been open for longer than a moment use these tables ($1)? To take a day away we must wait for it, and
-- everybody who comes after us would have to wait, too: then rather not now. Of other users' transactions one may not be
-- told since when; they are taken for short.
SELECT EXISTS (
    SELECT 1 FROM pg_locks AS held LEFT JOIN pg_stat_activity AS session ON session.pid = held.pid
    WHERE
        held.locktype = 'relation' AND held.granted
        AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND held.relation = ANY ($1::text[]::regclass[]::oid[])
        AND held.pid IS DISTINCT FROM pg_backend_pid()
        AND (held.pid IS NULL OR session.xact_start < clock_timestamp() - interval '1 s')
)
