-- Only one process at a time makes days or takes them away.
SELECT pg_advisory_xact_lock(hashtext('taskflow-hub: days'))
