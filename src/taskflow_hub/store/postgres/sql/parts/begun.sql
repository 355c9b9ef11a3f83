-- When an attempt began. What a heartbeat saw and what its worker says are both late, the one by up to a heartbeat and the other by its
-- commit: the earlier is nearer the truth (least passes over null).
least(
    task.started_at,
    CASE WHEN item.ran_s IS NOT NULL THEN greatest(task.leased_at, clock.now - make_interval(secs => item.ran_s)) END
)
