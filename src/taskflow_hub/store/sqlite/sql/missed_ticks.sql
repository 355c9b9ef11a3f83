-- What somebody changed is no surprise to them; what is removed has no history that anybody could look at.
WITH asked (account_id, since) AS (VALUES (?, ?))
SELECT json_group_array(json_array(schedule_id, name, ticks)) FROM (
    SELECT fire.schedule_id, schedule.name, sum(fire.ticks) AS ticks
    FROM asked CROSS JOIN schedule_fires AS fire INDEXED BY schedule_fires_missed
        CROSS JOIN schedules AS schedule ON schedule.id = fire.schedule_id
    WHERE
        fire.outcome = 'missed' AND fire.decided_at >= since AND fire.reason IS NOT 'changed'
        AND (asked.account_id IS NULL OR schedule.account_id = asked.account_id)
    GROUP BY fire.schedule_id
    ORDER BY ticks DESC, fire.schedule_id
    LIMIT ?
)
