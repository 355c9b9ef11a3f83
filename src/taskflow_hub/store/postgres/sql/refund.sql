DELETE FROM buckets WHERE name = $1
