-- For lease_scan.sql: these tasks, by their places, in this order.
SELECT value AS id, 0 AS priority, key AS seq FROM json_each(?)
