-- One more part of lease_scan.sql: held tasks that may start now, by their places.
SELECT tasks.rowid, priority, seq FROM json_each(?) AS place CROSS JOIN tasks ON tasks.rowid = place.value
