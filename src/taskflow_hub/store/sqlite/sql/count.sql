SELECT cast(count(*) AS TEXT) FROM (/*branches*/)
