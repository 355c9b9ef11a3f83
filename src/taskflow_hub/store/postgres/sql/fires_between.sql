-- In order, and the first one behind them: it may stand for ticks that lie between.
(
    SELECT /*fire*/ FROM schedule_fires
    WHERE schedule_id = $1::uuid AND planned_at >= $2::timestamptz AND planned_at < $3::timestamptz
    ORDER BY planned_at
)
UNION ALL
(
    SELECT /*fire*/ FROM schedule_fires
    WHERE schedule_id = $1::uuid AND planned_at >= $3::timestamptz AND by_hand IS DISTINCT FROM 'trigger'
    ORDER BY planned_at LIMIT 1
)
