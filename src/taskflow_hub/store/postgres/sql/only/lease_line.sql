-- lease_scan.sql and lease.sql in one, where all that stands first in a line goes to one worker ($8). Nothing happens if some of it
-- needs a closer look: limits other than those that let so many start ($11), a task that must run alone ($9: from so many crashes on),
-- payloads too heavy for one lease ($10).
WITH first AS MATERIALIZED (
    SELECT task.id, task.octets, coalesce(task.limits <> $11::text, task.limits IS NOT NULL) OR task.crashes >= $9::integer AS special
    FROM tasks AS task
    WHERE /*line*/
    ORDER BY task.seq
    LIMIT $7::integer
    FOR UPDATE OF task SKIP LOCKED
),
plain AS MATERIALIZED (
    SELECT sum(octets) <= $10::bigint AND NOT bool_or(special) AS ahead FROM first
)
UPDATE tasks AS task
SET worker = $8::text, /*leased*/
FROM first CROSS JOIN plain
WHERE plain.ahead AND task.id = ANY (ARRAY[first.id])
RETURNING /*assignment*/, task.seq, task.octets, task.limits IS NOT NULL AS limited
