-- A row that says nothing is none.
DELETE FROM quotas
WHERE account_id = ? AND per_minute IS NULL AND per_day IS NULL AND queued IS NULL AND weight = 1
