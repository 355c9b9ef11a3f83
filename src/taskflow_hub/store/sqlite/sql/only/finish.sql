-- Every task that has ended in this transaction moves over; outside of a finish no row of `tasks` has such a status.
INSERT INTO finished_tasks SELECT * FROM tasks INDEXED BY tasks_ended
WHERE status IN ('success', 'failed', 'cancelled', 'skipped')
