-- The columns in the order of domain/schedule.py's FireRecord.
schedule_fires.planned_at, schedule_fires.outcome, schedule_fires.reason, schedule_fires.detail, schedule_fires.ticks,
schedule_fires.by_hand, schedule_fires.task_id::text AS task_id, schedule_fires.workflow_id::text AS workflow_id,
schedule_fires.decided_at, schedule_fires.started_at
