-- What somebody changed is no surprise to them; what is removed has no history that anybody could look at.
SELECT fire.schedule_id::text AS schedule_id, schedule.name, sum(fire.ticks)::bigint AS ticks
FROM schedule_fires AS fire JOIN schedules AS schedule ON schedule.id = fire.schedule_id
WHERE
    fire.outcome = 'missed' AND fire.decided_at >= $2::timestamptz AND fire.reason IS DISTINCT FROM 'changed'
    AND ($1::text IS NULL OR schedule.account_id = $1::text)
GROUP BY fire.schedule_id, schedule.name
ORDER BY ticks DESC, fire.schedule_id
LIMIT $3::bigint
