-- The last of $1 + 1 tasks, newest first, if there are as many.
SELECT place::text AS id FROM (/* branches */) AS page ORDER BY place DESC LIMIT 1 OFFSET $1::bigint
