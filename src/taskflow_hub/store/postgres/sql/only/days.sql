-- Every day of history that these tables ($1) have.
SELECT parent.relname::text AS parent, day.relname::text AS name
FROM pg_inherits
JOIN pg_class AS parent ON parent.oid = inhparent
JOIN pg_class AS day ON day.oid = inhrelid
WHERE inhparent = ANY ($1::text[]::regclass[])
