-- In how many seconds each of these is full. The time is that of this very moment, for a transaction may have waited since it began.
SELECT name, extract(epoch FROM full_at - coalesce($1::timestamptz, clock_timestamp()))::double precision AS full_in_s
FROM buckets
WHERE name = ANY ($2::text[])
