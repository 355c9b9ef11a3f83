DELETE FROM buckets WHERE name IN (SELECT name FROM buckets INDEXED BY buckets_by_age WHERE full_at <= ? LIMIT ?)
