-- lease_scan.sql and lease.sql in one, where all that stands first in a line goes to one worker ($7). Nothing happens if some of it
-- needs a closer look: a limit, a task that must run alone ($8: from so many crashes on), payloads too heavy for one lease ($9).
WITH first AS MATERIALIZED (
    SELECT task.id, task.octets, task.limits IS NOT NULL OR task.crashes >= $8::integer AS special
    FROM tasks AS task
    WHERE /*line*/
    ORDER BY task.seq
    LIMIT $6::integer
    FOR UPDATE OF task SKIP LOCKED
),
plain AS MATERIALIZED (
    SELECT sum(octets) <= $9::bigint AND NOT bool_or(special) AS ahead FROM first
)
UPDATE tasks AS task
SET worker = $7::text, /*leased*/
FROM first CROSS JOIN plain
WHERE plain.ahead AND task.id = ANY (ARRAY[first.id])
RETURNING /*assignment*/, task.seq, task.octets
