-- What became of them after all: a task was refused, a wait has ended.
WITH clock (now) AS (VALUES (?))
UPDATE schedule_fires SET
    outcome = item.column3, reason = item.column4, detail = item.column5, ticks = item.column6, by_hand = item.column7,
    task_id = item.column8, workflow_id = item.column9, decided_at = clock.now, started_at = NULL,
    settled = item.column3 <> 'fired'
FROM (VALUES /*items*/ (?, ?, ?, ?, ?, ?, ?, ?, ?)) AS item, clock
WHERE schedule_fires.schedule_id = item.column1 AND schedule_fires.planned_at = item.column2
