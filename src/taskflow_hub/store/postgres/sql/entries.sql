-- As list.sql, but only what one line of a list says, so nothing need be weighed.
SELECT place::text AS id, status, created_at, cancel_requested
FROM (/* branches */) AS page
ORDER BY place DESC
