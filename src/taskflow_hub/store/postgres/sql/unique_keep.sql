-- A redriven task takes its key again; if it still stands there with its window, the window stays. The rows of the keys are locked.
UPDATE unique_keys AS held
SET
    task_id = wanted.task_id,
    until = CASE WHEN held.task_id = wanted.task_id THEN held.until ELSE '-infinity' END
FROM unnest($2::text[], $3::text[], $4::uuid[]) AS wanted (type, key, task_id)
WHERE held.account_id = $1::text AND held.type = wanted.type AND held.key = wanted.key
