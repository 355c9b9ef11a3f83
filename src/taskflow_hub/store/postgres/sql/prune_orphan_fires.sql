-- Those whose schedule is gone: a walk from one schedule to the next along the index.
WITH RECURSIVE known (id) AS (
    (SELECT schedule_id FROM schedule_fires ORDER BY schedule_id LIMIT 1)
    UNION ALL
    SELECT next.schedule_id
    FROM known CROSS JOIN LATERAL (
        SELECT later.schedule_id FROM schedule_fires AS later
        WHERE later.schedule_id > known.id ORDER BY later.schedule_id LIMIT 1
    ) AS next
)
DELETE FROM schedule_fires
WHERE ctid = ANY (ARRAY(
    SELECT orphan.ctid
    FROM known CROSS JOIN LATERAL (
        SELECT schedule_fires.ctid FROM schedule_fires WHERE schedule_fires.schedule_id = known.id LIMIT $1::bigint
    ) AS orphan
    WHERE NOT EXISTS (SELECT FROM schedules WHERE schedules.id = known.id OFFSET 0)
    LIMIT $1::bigint
))
