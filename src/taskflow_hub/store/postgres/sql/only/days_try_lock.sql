-- As days_lock.sql; false instead of waiting.
SELECT pg_try_advisory_xact_lock(hashtext('taskflow-hub: days'))
