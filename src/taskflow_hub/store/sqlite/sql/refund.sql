DELETE FROM buckets WHERE name = ?
