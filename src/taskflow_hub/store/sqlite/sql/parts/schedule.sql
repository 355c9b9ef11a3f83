-- In the order of domain/schedule.py's Schedule.
json_array(
    schedules.id, schedules.account_id, schedules.user_id, schedules.name, schedules.cron, schedules.every_s,
    schedules.timezone, schedules.type, schedules.template, schedules.overlap, schedules.catch_up, schedules.catch_up_limit,
    schedules.jitter_s, schedules.starts_at, schedules.ends_at, schedules.paused_at, schedules.origin, schedules.application,
    schedules.rev,
    schedules.created_at, schedules.updated_at, schedules.next_at, schedules.waiting_at, schedules.last_at
)
