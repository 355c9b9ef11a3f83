-- What keeps vacuum from removing dead rows of this database, for longer than $1: transactions with a snapshot or an id of their own,
-- prepared ones, and replication slots whose reader has gone (of these it is not known since when). What other users do is
-- shown to members of pg_read_all_stats only.
SELECT
    'session' AS kind, pid::text AS name, usename::text AS owner, application_name AS application, state,
    extract(epoch FROM clock_timestamp() - xact_start)::double precision AS seconds
FROM pg_stat_activity
WHERE
    datname = current_database() AND pid <> pg_backend_pid() AND backend_type <> 'autovacuum worker'
    AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)
    AND xact_start < clock_timestamp() - $1::interval
    AND pid NOT IN (SELECT pid FROM pg_stat_progress_vacuum)
UNION ALL
SELECT
    'prepared', gid, owner::text, NULL, NULL,
    extract(epoch FROM clock_timestamp() - prepared)::double precision
FROM pg_prepared_xacts
WHERE database = current_database() AND prepared < clock_timestamp() - $1::interval
UNION ALL
SELECT 'slot', slot_name::text, NULL, NULL, NULL, NULL
FROM pg_replication_slots
WHERE NOT active AND xmin IS NOT NULL AND coalesce(database, current_database()) = current_database()
ORDER BY seconds DESC NULLS LAST
LIMIT 10
