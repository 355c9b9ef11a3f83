-- What somebody changed is no surprise to them; what is removed has no history that anybody could look at.
SELECT fire.schedule_id::text AS schedule_id, schedule.name, sum(fire.ticks)::bigint AS ticks
FROM
    (
        SELECT schedule_id, ticks FROM schedule_fires
        WHERE outcome = 'missed' AND decided_at >= $2::timestamptz AND reason IS DISTINCT FROM 'changed'
        ORDER BY decided_at
        OFFSET 0
    ) AS fire
    JOIN schedules AS schedule ON schedule.id = ANY (ARRAY[fire.schedule_id])
WHERE $1::text IS NULL OR schedule.account_id = $1::text
GROUP BY fire.schedule_id, schedule.name
ORDER BY ticks DESC, fire.schedule_id
LIMIT $3::bigint
