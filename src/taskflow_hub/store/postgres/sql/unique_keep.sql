-- A redriven task takes its key again; if it still stands there with its window, the window stays. The rows of the keys are locked.
WITH wanted AS MATERIALIZED (
    SELECT wanted.*, $1::text AS account_id FROM unnest($2::text[], $3::text[], $4::uuid[]) AS wanted (type, key, task_id)
)
UPDATE unique_keys AS held
SET
    task_id = wanted.task_id,
    until = CASE WHEN held.task_id = wanted.task_id THEN held.until ELSE '-infinity' END
FROM wanted
WHERE held.account_id = ANY (ARRAY[wanted.account_id]) AND held.type = wanted.type AND held.key = wanted.key
