DELETE FROM tasks INDEXED BY tasks_ended WHERE status IN ('success', 'failed', 'cancelled', 'skipped')
