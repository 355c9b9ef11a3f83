-- Newest first, with how many there are, up to one more than wanted. The branches (search.py) are in order by themselves. It is one answer,
-- so it must not become too large: it ends with the task by which payloads, results and errors have $1 octets together. What lies
-- outside the table is not fetched for the tasks left out, nor to weigh them.
SELECT *
FROM (
    SELECT
        page.*, count(*) OVER () AS there,
        sum(octets) OVER (ORDER BY place DESC ROWS UNBOUNDED PRECEDING) - octets AS before
    FROM (/* branches */) AS page
) AS weighed
WHERE before < $1::bigint
ORDER BY place DESC
