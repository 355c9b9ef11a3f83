-- How the server is set and used, for `taskflow doctor`.
SELECT
    current_setting('server_version') AS server,
    pg_is_in_recovery() AS standby,
    current_setting('max_connections')::bigint AS max_connections,
    (SELECT sum(numbackends) FROM pg_stat_database)::bigint AS connections,
    pg_database_size(current_database()) AS octets,
    current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('autovacuum') AS autovacuum
