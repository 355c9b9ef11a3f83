-- One message to every process that listens.
SELECT pg_notify($1::text, $2::text)
