-- In order, and the first one behind them: it may stand for ticks that lie between.
SELECT json_group_array(json(row)) FROM (
    SELECT * FROM (
        SELECT /*fire*/ AS row FROM schedule_fires
        WHERE schedule_id = ?1 AND planned_at >= ?2 AND planned_at < ?3
        ORDER BY planned_at
    )
    UNION ALL
    SELECT * FROM (
        SELECT /*fire*/ AS row FROM schedule_fires
        WHERE schedule_id = ?1 AND planned_at >= ?3 AND by_hand IS NOT 'trigger'
        ORDER BY planned_at LIMIT 1
    )
)
