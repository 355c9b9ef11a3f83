-- Their ticks up to now are decided.
UPDATE schedules SET
    next_at = item.column2, waiting_at = item.column3,
    last_at = nullif(max(coalesce(schedules.last_at, -1), coalesce(item.column4, -1)), -1)
FROM (VALUES /*items*/ (?, ?, ?, ?)) AS item
WHERE schedules.id = item.column1
